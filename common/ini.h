/* SPDX-License-Identifier: MIT
 *
 * ini - the form of the files that operators write, without the words of any
 * one of them:
 *
 *     [section]
 *     key = value                     ; a comment
 *
 *     [section "label"]
 *     key: value
 *
 * A file is read as a whole before any line of it counts. One that ends within
 * a line is refused: it may be still being written.
 */
#ifndef SLUICE_COMMON_INI_H
#define SLUICE_COMMON_INI_H

#include <stdbool.h>

struct mistakes;

enum {
    INI_BYTES_MAX = 32 << 20,      /* some 200,000 users */
    INI_LINE_BYTES_MAX = 64 << 10, /* without its end */
};

/* What a file means to its reader, called line by line: `m` knows
 * where. Texts may be changed, and are gone when the call returns. */
struct ini_handler {
    /* What is between the brackets. NULL: a section of which the form is wrong,
     * which is reported already. */
    void (*on_section)(void *arg, char *name);
    void (*on_pair)(void *arg, const char *key, char *value);
    void *arg;
    bool is_secret; /* a file that is open to more than its owner and, for
                       reading, its group is refused */
};

/* Reads a file. Every mistake is reported, with file and line; false when there
 * is one, also if the handler reported it. No copy of the text is left in
 * memory when it is secret. */
bool ini_read(const char *path, const struct ini_handler *handler,
              struct mistakes *m);

/* The label, if what is between the brackets is `name "label"`; else NULL. Cuts
 * the quote off its end. */
char *ini_label(char *section, const char *name);

#endif
