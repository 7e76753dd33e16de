/* SPDX-License-Identifier: MIT */
#include "broker/monitor/marks.h"

#include <stdbool.h>
#include <stdlib.h>

enum { SLOTS_MIN = 64 };

static void table_fini(struct marks_table *t)
{
    free(t->rows);
    *t = (struct marks_table){.rows = NULL};
}

/* The row of this key, or the free one where it belongs. There must be a free
 * one. */
static struct mark *table_at(const struct marks_table *t, uint64_t key)
{
    size_t i = (size_t)(key * 0x9e3779b97f4a7c15u >> 32);
    for (;; i++) {
        struct mark *row = &t->rows[i & (t->slots - 1)];
        if (row->key == key || row->key == 0)
            return row;
    }
}

static bool table_grow(struct marks_table *t)
{
    struct marks_table larger = {
        .slots = t->slots > 0 ? t->slots * 2 : SLOTS_MIN, .used = t->used};
    larger.rows = calloc(larger.slots, sizeof *larger.rows);
    if (!larger.rows)
        return false;
    for (size_t i = 0; i < t->slots; i++)
        if (t->rows[i].key != 0)
            *table_at(&larger, t->rows[i].key) = t->rows[i];
    free(t->rows);
    *t = larger;
    return true;
}

static void table_put(struct marks_table *t, uint64_t key, uint64_t count)
{
    if (t->used * 4 >= t->slots * 3 && !table_grow(t))
        return;
    struct mark *row = table_at(t, key);
    if (row->key == 0)
        t->used++;
    *row = (struct mark){key, count};
}

/* What has become less has begun anew. */
static uint64_t table_growth(const struct marks_table *t, uint64_t key,
                             uint64_t count)
{
    uint64_t before = t->used > 0 ? table_at(t, key)->count : 0;
    return count >= before ? count - before : count;
}

void marks_fini(struct marks *m)
{
    table_fini(&m->last);
    table_fini(&m->before);
}

void marks_begin(struct marks *m)
{
    table_fini(&m->before);
    m->before = m->last;
    m->last = (struct marks_table){.rows = NULL};
}

uint64_t marks_note(struct marks *m, uint64_t key, uint64_t count)
{
    table_put(&m->last, key, count);
    return table_growth(&m->before, key, count);
}

uint64_t marks_since(const struct marks *m, uint64_t key, uint64_t count)
{
    return table_growth(&m->last, key, count);
}
