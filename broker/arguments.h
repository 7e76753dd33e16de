/* SPDX-License-Identifier: MIT
 *
 * arguments - what the command line says: options, and what is wished for.
 */
#ifndef SLUICE_BROKER_ARGUMENTS_H
#define SLUICE_BROKER_ARGUMENTS_H

#include <stdbool.h>

struct complaints;
struct options;

enum wish {
    WISH_RUN,
    WISH_HELP,
    WISH_VERSION,
    WISH_MANUAL, /* the reference of all options */
    WISH_CHECK,  /* what it would run with */
    WISH_TOTAL
};

struct arguments {
    int argc;
    char **argv;
    enum wish wish;     /* found by arguments_read */
    const char *config; /* the file to read; NULL: not said */
};

/* Sets the options that are given. Stops at the first mistake, which is told,
 * and at a wish that needs no options; may be called again. */
bool arguments_read(struct arguments *a, struct options *o,
                    struct complaints *c);

#endif
