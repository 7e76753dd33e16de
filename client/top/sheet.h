/* SPDX-License-Identifier: MIT
 *
 * sheet - a table of channels or clients: what a document lists, with rates
 * against the document before it, sorted and filtered.
 */
#ifndef SLUICE_CLIENT_TOP_SHEET_H
#define SLUICE_CLIENT_TOP_SHEET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum sheet_kind {
    SHEET_TEXT,
    SHEET_PLACE, /* text: a client's channel, and what it waits for */
    SHEET_COUNT,
    SHEET_RATE, /* of a total: its growth per second */
    SHEET_BYTES,
    SHEET_LIMIT, /* in bytes; 0: none */
    SHEET_AGE,
};

bool sheet_is_text(enum sheet_kind kind);

struct sheet_column {
    const char *title; /* NULL ends a table of columns */
    const char *key;   /* in the document */
    enum sheet_kind kind;
    int width;     /* on the screen; 0: what is left */
    bool is_spare; /* left out where names have too little room */
};

enum { SHEET_COLUMNS_MAX = 12, SHEET_ROWS_MAX = 100, SHEET_TEXT_BYTES = 1100 };

struct sheet_row {
    json_t *entry;     /* in the document */
    const json_t *key; /* tells it from the others; in the document */
    double value[SHEET_COLUMNS_MAX]; /* of numbers: what is shown */
};

struct sheet {
    const char *name; /* "channels" or "clients" */
    const struct sheet_column *columns;
    size_t order; /* column to sort by */
    bool is_ascending;
    char filter[64];  /* shown are rows that contain it */
    json_t *document; /* NULL: none came */
    size_t documents; /* that came */
    size_t rows;
    struct sheet_row row[SHEET_ROWS_MAX];
    size_t shown; /* of them, by the filter */
    const struct sheet_row *show[SHEET_ROWS_MAX];
};

extern const struct sheet sheet_of_channels, sheet_of_clients;

/* Takes a reference to the document. */
void sheet_update(struct sheet *s, json_t *document);
void sheet_fini(struct sheet *s);

/* After the order or the filter changed. */
void sheet_arrange(struct sheet *s);
void sheet_order_by(struct sheet *s, int step); /* columns to the right */

/* A number of a row: of a total, its growth per second. */
double sheet_figure(const struct sheet *s, const struct sheet_row *row,
                    const char *key);

/* What a cell shows, harmless for a terminal. */
void sheet_cell(const struct sheet *s, const struct sheet_row *row,
                size_t column, char out[SHEET_TEXT_BYTES]);

#endif
