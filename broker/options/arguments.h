/* SPDX-License-Identifier: MIT
 *
 * arguments - what the command line says: options, and what to do.
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
    ACTION_MANUAL, /* print the reference of all options */
    ACTION_CHECK,  /* print the options it would run with */
    ACTION_TOTAL
};

struct arguments {
    int argc;
    char **argv;
    enum action action; /* found by arguments_read */
    const char *config; /* the file to read; NULL: not given */
};

/* Sets the options that are given. False at the first mistake. Stops at an
 * action that needs no options. May be called again. */
bool arguments_read(struct arguments *a, struct options *o, struct mistakes *m);

#endif
