/* SPDX-License-Identifier: MIT */
#include "broker/monitor/ranking.h"

#include <stdbool.h>
#include <stdlib.h>

static void table_init(struct ranking_table *t, enum view_number by,
                       size_t room)
{
    t->by = by;
    t->room = room;
    t->count = 0;
    t->last = 0;
}

static void table_find_last(struct ranking_table *t)
{
    t->last = 0;
    for (size_t i = 1; i < t->count; i++)
        if (t->rows[i].number[t->by] < t->rows[t->last].number[t->by])
            t->last = i;
}

static void table_add(struct ranking_table *t, const struct view *v)
{
    if (t->count == t->room) {
        if (v->number[t->by] <= t->rows[t->last].number[t->by])
            return;
        t->rows[t->last] = *v;
    } else {
        t->rows[t->count++] = *v;
    }
    if (t->count == t->room)
        table_find_last(t);
}

void ranking_init(struct ranking *r, enum view_number busiest)
{
    table_init(&r->fullest, VIEW_BYTES, RANKING_FULLEST);
    table_init(&r->busiest, busiest, RANKING_ROWS);
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

static int compare_bytes(const void *a, const void *b)
{
    const struct view *x = a, *y = b;
    uint64_t m = x->number[VIEW_BYTES], n = y->number[VIEW_BYTES];
    return (m < n) - (m > n);
}

/* Pointers to names and connection numbers identify views: both are borrowed
 * from the objects themselves. */
static bool is_same(const struct view *a, const struct view *b)
{
    return a->conn == b->conn && (a->peer || a->name == b->name);
}

static bool is_among(const struct view *v, const struct view *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_same(v, &rows[i]))
            return true;
    return false;
}

/* Appends the busiest that are not among the first `listed` rows. */
static size_t ranking_fill(struct ranking_table *t, struct view *rows,
                           size_t listed)
{
    size_t n = listed;
    while (t->count > 0 && n < RANKING_ROWS) {
        size_t best = 0;
        for (size_t i = 1; i < t->count; i++)
            if (t->rows[i].number[t->by] > t->rows[best].number[t->by])
                best = i;
        if (!is_among(&t->rows[best], rows, listed))
            rows[n++] = t->rows[best];
        t->rows[best] = t->rows[--t->count];
    }
    return n;
}

size_t ranking_finish(struct ranking *r, struct view rows[RANKING_ROWS],
                      struct view *rest)
{
    struct ranking_table *fullest = &r->fullest;
    size_t n = fullest->count;
    qsort(fullest->rows, n, sizeof *rows, compare_bytes);
    for (size_t i = 0; i < n; i++)
        rows[i] = fullest->rows[i];
    n = ranking_fill(&r->busiest, rows, n);
    *rest = r->sum;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < VIEW_NUMBERS; k++)
            if (k != VIEW_AGE_MS)
                rest->number[k] -= rows[i].number[k];
    if (n == r->total)
        rest->number[VIEW_AGE_MS] = 0;
    return n;
}
