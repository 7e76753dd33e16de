/* SPDX-License-Identifier: MIT
 *
 * option - a command's options as a table of rows: from it come the parser, its
 * error sentences and the help.
 */
#ifndef SLUICE_CLIENT_OPTION_H
#define SLUICE_CLIENT_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char * */
    OPTION_TEXTS,    /* struct option_texts: it may be repeated */
    OPTION_SIZE,     /* struct option_number, in bytes */
    OPTION_DURATION, /* struct option_number, in milliseconds */
    OPTION_COUNT,    /* struct option_number */
    OPTION_CHOICE,   /* int: which of the words of `argument`, "one|other" */
};

struct option_number {
    uint64_t value;
    bool is_given; /* on the command line, or by a default */
};

enum { OPTION_TEXTS_MAX = 32 };

struct option_texts {
    size_t count;
    const char *text[OPTION_TEXTS_MAX];
};

struct option {
    const char *name; /* without dashes; NULL ends a table */
    enum option_type type;
    size_t offset;           /* of the value in the command's struct */
    const char *argument;    /* its name in the help; NULL for a flag */
    const char *fallback;    /* default value; NULL when none */
    const char *environment; /* variable that overrides it; NULL when none */
    uint64_t min, max;       /* numbers only; max 0: no bound */
    const char *help;
};

enum option_result {
    OPTION_DONE,
    OPTION_HELP,  /* --help was among the arguments */
    OPTION_WRONG, /* `sentence` says what and what would be right */
};

enum { OPTION_SENTENCE_BYTES = 512 };

/* Fills `values` (zeroed, as the table's offsets say) from the defaults, the
 * environment and argv[1...]. What is no option stays in argv[1...], and *argc
 * counts it. "--" ends the options. */
enum option_result option_parse(const struct option *table, void *values,
                                int *argc, char **argv,
                                char sentence[OPTION_SENTENCE_BYTES]);

/* One paragraph per option. */
void option_print_help(const struct option *table, FILE *out);

#endif
