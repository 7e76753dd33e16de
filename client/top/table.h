/* SPDX-License-Identifier: MIT
 *
 * table - the rows of a document of channels or clients, with rates since the
 * document before it, sorted and filtered.
 */
#ifndef SLUICE_CLIENT_TOP_TABLE_H
#define SLUICE_CLIENT_TOP_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum table_kind {
    TABLE_TEXT,
    TABLE_CLIENT, /* text: its name, if it has one, and its address */
    TABLE_PLACE,  /* text: a client's channel, and what it waits for */
    TABLE_COUNT,
    TABLE_RATE, /* of a total: its growth per second */
    TABLE_BYTES,
    TABLE_LIMIT, /* in bytes; 0: none */
    TABLE_MOST,  /* a count; 0: none */
    TABLE_AGE,
};

/* Else a column of this kind is aligned to the right. */
bool table_is_text(enum table_kind kind);

/* What a screen does without. */
enum table_need {
    TABLE_NEEDED,
    TABLE_SPARE, /* left out when names need its room */
    TABLE_RARE,  /* the same, and while it is 0, or no text, in all rows */
};

struct table_column {
    const char *title; /* NULL ends a table of columns */
    const char *key;   /* in the document */
    enum table_kind kind;
    int width; /* on the screen; 0: what is left */
    enum table_need need;
};

enum { TABLE_COLUMNS_MAX = 16, TABLE_ROWS_MAX = 100, TABLE_TEXT_BYTES = 1100 };

struct table_row {
    json_t *entry;                   /* in the document */
    const json_t *key;               /* identifies the row; in the document */
    double value[TABLE_COLUMNS_MAX]; /* of columns with numbers */
};

struct table {
    const char *name; /* "channels", "clients" or "users" */
    const struct table_column *columns;
    size_t order; /* column to sort by */
    bool is_ascending;
    char filter[64];  /* only rows that contain it are shown; "": all */
    json_t *document; /* NULL until the first */
    size_t documents; /* received */
    size_t rows;
    struct table_row row[TABLE_ROWS_MAX];
    size_t shown; /* of them, after the filter */
    const struct table_row *show[TABLE_ROWS_MAX];
};

extern const struct table table_of_channels, table_of_clients, table_of_users;

/* Takes a reference to the document. */
void table_update(struct table *t, json_t *document);
void table_fini(struct table *t);

/* Sorts and filters: to be called after either was changed. */
void table_arrange(struct table *t);
void table_order_by(struct table *t, int step); /* columns to the right */

/* Whether a column has no text, and is 0 in all rows. */
bool table_is_blank(const struct table *t, size_t column);

/* A number of a row; for a total, its growth per second. */
double table_figure(const struct table *t, const struct table_row *row,
                    const char *key);

/* The text of a cell, escaped for a terminal. */
void table_cell(const struct table *t, const struct table_row *row,
                size_t column, char out[TABLE_TEXT_BYTES]);

#endif
