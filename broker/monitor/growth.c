/* SPDX-License-Identifier: MIT */
#include "broker/monitor/growth.h"

#include <stdbool.h>
#include <stdlib.h>

enum { SLOTS_MIN = 64 };

static void table_fini(struct growth_table *t)
{
    free(t->rows);
    *t = (struct growth_table){.rows = NULL};
}

/* The row of this key, or the free one where it belongs. One must be free. */
static struct growth_row *table_at(const struct growth_table *t, uint64_t key)
{
    size_t i = (size_t)(key * 0x9e3779b97f4a7c15u >> 32);
    for (;; i++) {
        struct growth_row *row = &t->rows[i & (t->slots - 1)];
        if (row->key == key || row->key == 0)
            return row;
    }
}

static bool table_grow(struct growth_table *t)
{
    struct growth_table larger = {
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

static void table_put(struct growth_table *t, uint64_t key, uint64_t count)
{
    if (t->used * 4 >= t->slots * 3 && !table_grow(t))
        return;
    struct growth_row *row = table_at(t, key);
    if (row->key == 0)
        t->used++;
    *row = (struct growth_row){key, count};
}

/* A count that has become smaller belongs to a new owner of the key. */
static uint64_t table_growth(const struct growth_table *t, uint64_t key,
                             uint64_t count)
{
    uint64_t before = t->used > 0 ? table_at(t, key)->count : 0;
    return count >= before ? count - before : count;
}

void growth_fini(struct growth *g)
{
    table_fini(&g->last);
    table_fini(&g->before);
}

void growth_begin(struct growth *g)
{
    table_fini(&g->before);
    g->before = g->last;
    g->last = (struct growth_table){.rows = NULL};
}

uint64_t growth_note(struct growth *g, uint64_t key, uint64_t count)
{
    table_put(&g->last, key, count);
    return table_growth(&g->before, key, count);
}

uint64_t growth_since(const struct growth *g, uint64_t key, uint64_t count)
{
    return table_growth(&g->last, key, count);
}
