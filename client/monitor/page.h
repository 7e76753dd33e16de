/* SPDX-License-Identifier: MIT
 *
 * page - the files of the page, which page/embed puts into the program when it
 * is built.
 */
#ifndef SLUICE_CLIENT_MONITOR_PAGE_H
#define SLUICE_CLIENT_MONITOR_PAGE_H

#include <stddef.h>

struct page_file {
    const char *path; /* NULL ends the table */
    const char *type;
    const unsigned char *bytes;
    size_t length;
};

extern const struct page_file page_files[];

#endif
