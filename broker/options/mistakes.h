/* SPDX-License-Identifier: MIT
 *
 * mistakes - what is wrong with what somebody was told, one sentence each.
 * Whoever reads goes on after a mistake, so that all of them are told at
 * once; whoever asked says where the sentences go.
 */
#ifndef SLUICE_OPTIONS_MISTAKES_H
#define SLUICE_OPTIONS_MISTAKES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct mistakes {
    void (*tell)(void *arg, const char *sentence);
    void *arg;
    size_t count;
};

/* Always false, to be returned. */
__attribute__((format(printf, 2, 3))) bool
mistakes_add(struct mistakes *c, const char *format, ...);

#endif
