/* SPDX-License-Identifier: MIT
 *
 * control_table - a list of the control socket, as rows of fields. It comes in
 * pages, and a page names the place from which the next one goes on.
 */
#ifndef SLUICE_CLIENT_CONTROL_TABLE_H
#define SLUICE_CLIENT_CONTROL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONTROL_COLUMNS_MAX = 32 };

struct control_table {
    size_t columns; /* 0 until there is a page */
    const char *names[CONTROL_COLUMNS_MAX];
    size_t rows, room;
    const char **cells; /* `columns` for each row */
    size_t pages, page_room;
    char **page; /* the texts that names and cells are in */
};

/* Adds a page, a text that it takes. *after is the place from which the next
 * one goes on, 0 when it was the last. False when the text is not a page like
 * those before it, or there is no memory. */
bool control_table_add(struct control_table *t, char *text, uint64_t *after);

void control_table_free(struct control_table *t);

/* The number of a column, SIZE_MAX when there is none of this name. */
size_t control_table_column(const struct control_table *t, const char *name);

/* A cell, "" when there is no such column. */
const char *control_table_cell(const struct control_table *t, size_t row,
                               size_t column);

/* Takes a row out; the last one has its number then. */
void control_table_remove(struct control_table *t, size_t row);

/* Sorts the rows by a column, as text or as numbers. */
void control_table_sort(struct control_table *t, size_t column, bool is_number);

#endif
