/* SPDX-License-Identifier: MIT */
#include "broker/monitor/ranking.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t ranking_key(const struct view *v)
{
    return v->peer ? v->conn : (uintptr_t)v->name;
}

static void table_init(struct ranking_table *t, enum view_number by,
                       struct ranking_row *rows, size_t room)
{
    *t = (struct ranking_table){.by = by, .rows = rows, .room = room};
}

static uint64_t number_of(const struct ranking_table *t, size_t i)
{
    return t->rows[i].view.number[t->by];
}

static void table_find_last(struct ranking_table *t)
{
    t->last = 0;
    for (size_t i = 1; i < t->count; i++)
        if (number_of(t, i) < number_of(t, t->last))
            t->last = i;
}

static const uint8_t *copy_name(uint8_t *copy, const uint8_t *name,
                                uint32_t length)
{
    assert(length <= CHANNEL_NAME_MAX);
    return name ? memcpy(copy, name, length) : NULL;
}

static void row_set(struct ranking_row *row, const struct view *v)
{
    struct view *own = &row->view;
    *own = *v;
    own->name = copy_name(row->name, v->name, v->name_length);
    own->waits_for =
        copy_name(row->waits_for, v->waits_for, v->waits_for_length);
    own->label = copy_name(row->label, v->label, v->label_length);
    if (v->user) {
        snprintf(row->user, sizeof row->user, "%s", v->user);
        own->user = row->user;
    }
    if (v->peer) {
        row->peer = *v->peer;
        own->peer = &row->peer;
    }
    row->key = ranking_key(v);
}

static void table_add(struct ranking_table *t, const struct view *v)
{
    if (t->count < t->room)
        row_set(&t->rows[t->count++], v);
    else if (v->number[t->by] > number_of(t, t->last))
        row_set(&t->rows[t->last], v);
    else
        return;
    if (t->count == t->room)
        table_find_last(t);
}

void ranking_init(struct ranking *r, enum view_number busiest)
{
    table_init(&r->fullest, VIEW_BYTES, r->rows, RANKING_FULLEST);
    table_init(&r->busiest, busiest, r->rows + RANKING_FULLEST, RANKING_ROWS);
    r->sum = (struct view){.name = NULL};
    r->total = 0;
}

static void view_add(struct view *sum, const struct view *v)
{
    for (size_t i = 0; i < VIEW_NUMBERS; i++) {
        if (i != VIEW_AGE_MS)
            sum->number[i] += v->number[i];
        else if (v->number[i] > sum->number[i])
            sum->number[i] = v->number[i];
    }
}

void ranking_add(void *ranking, const struct view *v)
{
    struct ranking *r = ranking;
    r->total++;
    view_add(&r->sum, v);
    if (v->number[VIEW_BYTES] > 0)
        table_add(&r->fullest, v);
    table_add(&r->busiest, v);
}

static int compare_rows(const void *a, const void *b, void *number)
{
    const struct ranking_row *const *x = a, *const *y = b;
    enum view_number by = *(enum view_number *)number;
    uint64_t m = (*x)->view.number[by], n = (*y)->view.number[by];
    return (m < n) - (m > n);
}

/* The rows of a table in descending order. */
static void table_sort(struct ranking_table *t, const struct ranking_row **out)
{
    for (size_t i = 0; i < t->count; i++)
        out[i] = &t->rows[i];
    qsort_r(out, t->count, sizeof *out, compare_rows, &t->by);
}

static bool is_among(const struct ranking_row *row,
                     const struct ranking_row *const *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (row->key == rows[i]->key)
            return true;
    return false;
}

/* The bytes of a row in a document, at most: names are percent-encoded, and in
 * those of users a backslash is escaped. */
static size_t row_bytes(const struct view *v)
{
    size_t fixed = v->peer ? RANKING_CLIENT_BYTES : RANKING_CHANNEL_BYTES;
    return fixed +
           3 * (v->name_length + v->waits_for_length + v->label_length) +
           2 * (v->user ? strlen(v->user) : 0);
}

static bool has_room(const struct ranking_list *list, const struct view *v)
{
    return list->count < RANKING_ROWS &&
           list->bytes + row_bytes(v) <= RANKING_BYTES;
}

static void list_add(struct ranking_list *list, const struct view *v)
{
    list->bytes += row_bytes(v);
    list->rows[list->count++] = v;
    for (size_t i = 0; i < VIEW_NUMBERS; i++)
        if (i != VIEW_AGE_MS)
            list->rest.number[i] -= v->number[i];
}

void ranking_finish(struct ranking *r, struct ranking_list *list)
{
    const struct ranking_row *fullest[RANKING_FULLEST], *busiest[RANKING_ROWS];
    size_t full = r->fullest.count, busy = r->busiest.count;
    table_sort(&r->fullest, fullest);
    table_sort(&r->busiest, busiest);
    *list = (struct ranking_list){.rest = r->sum};
    for (size_t i = 0; i < full && has_room(list, &fullest[i]->view); i++)
        list_add(list, &fullest[i]->view);
    for (size_t i = 0; i < busy && has_room(list, &busiest[i]->view); i++)
        if (!is_among(busiest[i], fullest, full))
            list_add(list, &busiest[i]->view);
    if (list->count == r->total)
        list->rest.number[VIEW_AGE_MS] = 0;
}
