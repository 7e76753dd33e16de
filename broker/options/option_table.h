/* SPDX-License-Identifier: MIT
 *
 * option - the table of all that sluiced can be told. One row is an option
 * everywhere: `--name` on the command line, SLUICE_NAME in the environment,
 * a key in a section of the file, a line of --help, a row of docs/options.md.
 *
 * To add one: a row in option_table.c and a field in struct options; then have
 * docs/options.md written anew (`sluiced --manual`).
 */
#ifndef SLUICE_OPTIONS_OPTION_TABLE_H
#define SLUICE_OPTIONS_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/options/kind.h"

/* What the field in struct options is. */
enum option_shape {
    OPTION_NUMBER, /* uint64_t */
    OPTION_TEXT,   /* char *, NULL when there is none */
    OPTION_LIST,   /* struct option_list: may be repeated */
    OPTION_RULES,  /* struct rules: may be repeated; sections in the file */
};

struct option {
    const char *name;
    const char *section; /* of the file */
    const char *key;     /* there; NULL: as the name */
    enum option_shape shape;
    bool is_fixed; /* cannot change while the broker runs */
    const struct kind *kind;
    size_t offset; /* of its field in struct options */
    const char *initial;
    uint64_t min, max;    /* of a number */
    const char *sentence; /* for --help */
    const char *detail;   /* more of it for the reference; NULL: nothing */
};

enum { OPTION_MAX = 64 }; /* of rows; as many as a log line has fields */

extern const struct option option_table[];
extern const size_t option_table_size;

/* NULL when there is none. The name is counted, not ended. */
const struct option *option_find(const char *name, size_t length);

/* By its place in the file. */
const struct option *option_find_key(const char *section, const char *key);

/* Whether any option is in this section. */
bool option_has_section(const char *section);

/* Whether no row before it is in its section. */
bool option_opens_section(const struct option *row);

const char *option_key(const struct option *row);

/* Whether somebody who writes this word, as an option or as a key, may have
 * meant it: it is its name, its key, or its section and key in one. */
bool option_may_be_called(const struct option *row, const char *word);

/* Its place in the table. */
static inline size_t option_index(const struct option *row)
{
    return (size_t)(row - option_table);
}

#endif
