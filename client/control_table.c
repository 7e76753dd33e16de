/* SPDX-License-Identifier: MIT */
#include "client/control_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cuts the line at its tabs. Returns how many fields it has; there may be more
 * than fit. */
static size_t control_table_cut(char *line, const char **out, size_t most)
{
    size_t n = 0;
    char *field;
    while ((field = strsep(&line, "\t")) != NULL) {
        if (n < most)
            out[n] = field;
        n++;
    }
    return n;
}

static bool control_table_keep(struct control_table *t, char *text)
{
    if (t->pages == t->page_room) {
        size_t room = t->page_room > 0 ? 2 * t->page_room : 8;
        char **more = realloc(t->page, room * sizeof *more);
        if (!more)
            return false;
        t->page = more;
        t->page_room = room;
    }
    t->page[t->pages++] = text;
    return true;
}

/* The first page has the names; later ones must have as many. */
static bool control_table_read_names(struct control_table *t, char *line)
{
    const char *names[CONTROL_COLUMNS_MAX];
    size_t n = control_table_cut(line, names, CONTROL_COLUMNS_MAX);
    if (n > CONTROL_COLUMNS_MAX || (t->columns > 0 && n != t->columns))
        return false;
    if (t->columns == 0)
        memcpy(t->names, names, sizeof names);
    t->columns = n;
    return true;
}

static bool control_table_read_row(struct control_table *t, char *line)
{
    if (t->rows == t->room) {
        size_t room = t->room > 0 ? 2 * t->room : 256;
        const char **more = realloc(t->cells, room * t->columns * sizeof *more);
        if (!more)
            return false;
        t->cells = more;
        t->room = room;
    }
    if (control_table_cut(line, t->cells + t->rows * t->columns, t->columns) !=
        t->columns)
        return false;
    t->rows++;
    return true;
}

bool control_table_add(struct control_table *t, char *text, uint64_t *after)
{
    char *rest = text, *line;
    *after = 0;
    if (!control_table_keep(t, text)) {
        free(text);
        return false;
    }
    line = strsep(&rest, "\n");
    if (!rest || !control_table_read_names(t, line))
        return false;
    while ((line = strsep(&rest, "\n")) != NULL && rest) {
        unsigned long long place;
        if (!strchr(line, '\t') && sscanf(line, "# after=%llu", &place) == 1)
            *after = place;
        else if (!control_table_read_row(t, line))
            return false;
    }
    return true;
}

void control_table_free(struct control_table *t)
{
    while (t->pages > 0)
        free(t->page[--t->pages]);
    free(t->page);
    free(t->cells);
    *t = (struct control_table){.columns = 0};
}

size_t control_table_column(const struct control_table *t, const char *name)
{
    for (size_t i = 0; i < t->columns; i++)
        if (strcmp(t->names[i], name) == 0)
            return i;
    return SIZE_MAX;
}

const char *control_table_cell(const struct control_table *t, size_t row,
                               size_t column)
{
    return column < t->columns ? t->cells[row * t->columns + column] : "";
}

void control_table_remove(struct control_table *t, size_t row)
{
    t->rows--;
    memmove(t->cells + row * t->columns, t->cells + t->rows * t->columns,
            t->columns * sizeof *t->cells);
}

struct control_order {
    size_t column;
    bool is_number;
};

static int control_table_compare(const void *a, const void *b, void *arg)
{
    const struct control_order *order = arg;
    const char *x = ((const char *const *)a)[order->column];
    const char *y = ((const char *const *)b)[order->column];
    if (!order->is_number)
        return strcmp(x, y);
    unsigned long long n = strtoull(x, NULL, 10), m = strtoull(y, NULL, 10);
    return (n > m) - (n < m);
}

void control_table_sort(struct control_table *t, size_t column, bool is_number)
{
    struct control_order order = {column, is_number};
    if (column < t->columns && t->rows > 0)
        qsort_r(t->cells, t->rows, t->columns * sizeof *t->cells,
                control_table_compare, &order);
}
