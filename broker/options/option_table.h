/* SPDX-License-Identifier: MIT
 *
 * option_table - every option of sluiced. One row is an option
 * everywhere: `--name` on the command line, SLUICE_NAME in the environment,
 * a key in a section of the file, a line of --help, a row of docs/options.md.
 *
 * To add one: a row in option_table.c and a field in struct options; then
 * write docs/options.md again (`sluiced --manual`).
 */
#ifndef SLUICE_OPTIONS_OPTION_TABLE_H
#define SLUICE_OPTIONS_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/options/kind.h"

struct option {
    const char *name;
    const char *section; /* of the file */
    const char *key;     /* there; NULL: as the name */
    const struct kind *kind;
    size_t offset;        /* of its field in struct options; rules have none */
    const char *initial;  /* NULL: there is no default */
    uint64_t min, max;    /* of a number */
    size_t most;          /* that may be given, of texts and rules */
    bool is_fixed;        /* cannot change while the broker runs */
    const char *sentence; /* for --help */
    const char *detail;   /* more of it for the reference; NULL: nothing */
};

enum { OPTION_MAX = 64 }; /* of rows */

extern const struct option option_table[]; /* the last has no name */

/* NULL when there is none. The name is counted, not ended. */
const struct option *option_find(const char *name, size_t length);

/* By its place in the file; if `key` is NULL, the first of the section. NULL
 * when there is none. */
const struct option *option_find_key(const char *section, const char *key);

/* Its name in the file. */
const char *option_key(const struct option *row);

/* Whether `word`, written as an option or as a key, may mean the row: it is the
 * row's name, its key, or its section and key in one. */
bool option_may_be_called(const struct option *row, const char *word);

/* The row whose values are rules, which have sections of their own in the
 * file: [channel "PATTERN"]. */
bool option_is_rule(const struct option *row);

#endif
