/* SPDX-License-Identifier: MIT
 *
 * arguments - what the command line says: options, and what is wished for.
 */
#ifndef SLUICE_OPTIONS_ARGUMENTS_H
#define SLUICE_OPTIONS_ARGUMENTS_H

#include <stdbool.h>

struct mistakes;
struct options;

enum action {
    ACTION_RUN,
    ACTION_HELP,
    ACTION_VERSION,
    ACTION_MANUAL, /* the reference of all options */
    ACTION_CHECK,  /* what it would run with */
    ACTION_TOTAL
};

struct arguments {
    int argc;
    char **argv;
    enum action action; /* found by arguments_read */
    const char *config; /* the file to read; NULL: not said */
};

/* Sets the options that are given. Stops at the first mistake, which is told,
 * and at a action that needs no options; may be called again. */
bool arguments_read(struct arguments *a, struct options *o, struct mistakes *c);

#endif
