/* SPDX-License-Identifier: MIT */
#include "broker/monitor/growth.h"

/* A count that has become smaller belongs to a new owner of the key. */
static uint64_t growth_over(const struct idmap *counts, uint64_t key,
                            uint64_t count)
{
    const uint64_t *before = idmap_find(counts, key);
    return before && count >= *before ? count - *before : count;
}

void growth_fini(struct growth *g)
{
    idmap_clear(&g->last);
    idmap_clear(&g->before);
}

void growth_begin(struct growth *g)
{
    idmap_clear(&g->before);
    g->before = g->last;
    g->last = (struct idmap){.rows = NULL};
}

uint64_t growth_note(struct growth *g, uint64_t key, uint64_t count)
{
    (void)idmap_put(&g->last, key, count);
    return growth_over(&g->before, key, count);
}

uint64_t growth_since(const struct growth *g, uint64_t key, uint64_t count)
{
    return growth_over(&g->last, key, count);
}
