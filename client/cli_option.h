/* SPDX-License-Identifier: MIT
 *
 * cli_option - a command's options as a table of rows: the parser, its error
 * sentences and the help are made from it. The sentences are those of sluiced.
 */
#ifndef SLUICE_CLIENT_CLI_OPTION_H
#define SLUICE_CLIENT_CLI_OPTION_H

#include "common/sentence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum cli_option_type {
    CLI_OPTION_FLAG,     /* bool */
    CLI_OPTION_TEXT,     /* const char * */
    CLI_OPTION_TEXTS,    /* struct cli_option_texts: may be repeated */
    CLI_OPTION_SIZE,     /* struct cli_option_number, in bytes */
    CLI_OPTION_DURATION, /* struct cli_option_number, in milliseconds */
    CLI_OPTION_COUNT,    /* struct cli_option_number */
    CLI_OPTION_CHOICE,   /* int: index of a word of `argument`, "one|other" */
    CLI_OPTION_MODE,     /* the same plus 1, and 0 when it is not given; a flag,
                            too, which is the first word */
};

struct cli_option_number {
    uint64_t value;
    bool is_given; /* on the command line, or by a default */
};

enum { CLI_OPTION_TEXTS_MAX = 32 };

struct cli_option_texts {
    size_t count;
    const char *text[CLI_OPTION_TEXTS_MAX];
};

struct cli_option {
    const char *name; /* without dashes; NULL ends a table */
    enum cli_option_type type;
    size_t offset;           /* of the value in the command's struct */
    const char *argument;    /* its name in the help; NULL for a flag */
    const char *fallback;    /* default value; NULL when none */
    const char *environment; /* variable that overrides it; NULL when none */
    uint64_t min, max;       /* numbers only; max 0: no bound */
    const char *help;
};

enum cli_option_result {
    CLI_OPTION_DONE,
    CLI_OPTION_HELP,  /* --help was among the arguments */
    CLI_OPTION_WRONG, /* the sentence says why */
};

/* Fills `values` (zeroed, as the table's offsets say) from the defaults, the
 * environment and argv[1...]. The arguments that are not options remain in
 * argv[1...], and *argc counts them. "--" ends the options. Texts are
 * borrowed. */
enum cli_option_result cli_option_parse(const struct cli_option *table,
                                        void *values, int *argc, char **argv,
                                        struct sentence *why);

/* One paragraph per option. */
void cli_option_print_help(const struct cli_option *table, FILE *out);

#endif
