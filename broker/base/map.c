/* SPDX-License-Identifier: MIT */
#include "broker/base/map.h"

#include <assert.h>
#include <string.h>

enum {
    MAP_MIN_SLOTS = 64,
    MAP_AT_ONCE = 1024, /* slots whose nodes are moved in one go */
    /* The same for each node that comes or goes while a table is replaced: a
     * new table must not be full, or nearly empty, before the old one is. */
    MAP_MOVED_EACH = 16,
    WALK_PIECE = 32, /* slots whose nodes are fetched together */
};

void map_init(struct map *m, struct budget *budget)
{
    *m = (struct map){.key = siphash_key_random(), .budget = budget};
}

void map_fini(struct map *m)
{
    assert(m->count == 0);
    budget_free(m->budget, m->slots, m->slot_count * sizeof *m->slots);
    budget_free(m->budget, m->old, m->old_count * sizeof *m->old);
    m->slots = m->old = NULL;
    m->slot_count = m->old_count = 0;
}

static struct map_node **map_new_slot(const struct map *m, uint32_t hash)
{
    return &m->slots[hash & (m->slot_count - 1)];
}

/* Where the node is, or will be put. */
static struct map_node **map_slot(const struct map *m, uint32_t hash)
{
    if (m->old && (hash & (m->old_count - 1)) >= m->moved)
        return &m->old[hash & (m->old_count - 1)];
    return map_new_slot(m, hash);
}

static uint32_t map_hash(const struct map *m, const void *name, size_t length)
{
    return (uint32_t)siphash(&m->key, name, length);
}

struct map_node *map_find(const struct map *m, const void *name, size_t length)
{
    if (m->count == 0)
        return NULL;
    uint32_t hash = map_hash(m, name, length);
    struct map_node *node = *map_slot(m, hash);
    while (node && (node->hash != hash || node->length != length ||
                    memcmp(map_node_name(node), name, length) != 0))
        node = node->next;
    return node;
}

/* Goes on with the replacement of the table. */
static void map_move(struct map *m, size_t slots)
{
    for (; m->old && slots > 0; slots--) {
        struct map_node *node = m->old[m->moved], *next;
        m->old[m->moved++] = NULL;
        for (; node; node = next) {
            struct map_node **slot = map_new_slot(m, node->hash);
            next = node->next;
            node->next = *slot;
            *slot = node;
        }
        if (m->moved < m->old_count)
            continue;
        budget_free(m->budget, m->old, m->old_count * sizeof *m->old);
        m->old = NULL;
        m->old_count = 0;
    }
}

static bool map_resize(struct map *m, size_t slot_count)
{
    map_move(m, SIZE_MAX); /* nothing, unless memory was short */
    struct map_node **slots =
        budget_zalloc(m->budget, slot_count * sizeof *slots);
    if (!slots)
        return false;
    if (m->slots) {
        m->old = m->slots;
        m->old_count = m->slot_count;
        m->moved = 0;
    }
    m->slots = slots;
    m->slot_count = slot_count;
    map_move(m, MAP_AT_ONCE);
    return true;
}

bool map_insert(struct map *m, struct map_node *node)
{
    map_move(m, MAP_MOVED_EACH);
    if (m->slot_count == 0 && !map_resize(m, MAP_MIN_SLOTS))
        return false;
    /* A table that cannot grow still works, only slower. */
    if (m->count >= m->slot_count)
        (void)map_resize(m, m->slot_count * 2);
    node->hash = map_hash(m, map_node_name(node), node->length);
    struct map_node **slot = map_slot(m, node->hash);
    node->next = *slot;
    *slot = node;
    m->count++;
    return true;
}

void map_remove(struct map *m, struct map_node *node)
{
    struct map_node **at = map_slot(m, node->hash);
    while (*at != node) {
        assert(*at);
        at = &(*at)->next;
    }
    *at = node->next;
    m->count--;
    map_move(m, MAP_MOVED_EACH);
    if (m->slot_count > MAP_MIN_SLOTS && m->count < m->slot_count / 8)
        (void)map_resize(m, m->slot_count / 4);
}

/* The slots of both tables, one behind the other. */
static size_t map_all_slots(const struct map *m)
{
    return m->slot_count + m->old_count;
}

size_t map_visit(const struct map *m, size_t from, size_t slots,
                 void (*visit)(struct map_node *, void *), void *arg)
{
    size_t all = map_all_slots(m);
    if (slots > all)
        slots = all;
    for (; slots > 0; slots--, from++) {
        size_t at = from % all;
        struct map_node *node =
            at < m->slot_count ? m->slots[at] : m->old[at - m->slot_count];
        for (; node; node = node->next)
            visit(node, arg);
    }
    return from;
}

static uint32_t reverse_bits(uint32_t n)
{
    n = (n & 0x55555555) << 1 | (n >> 1 & 0x55555555);
    n = (n & 0x33333333) << 2 | (n >> 2 & 0x33333333);
    n = (n & 0x0f0f0f0f) << 4 | (n >> 4 & 0x0f0f0f0f);
    return __builtin_bswap32(n);
}

/* A slot is chosen by the low bits of the hash. In the order of reversed hashes
 * these are the high bits: each slot is one range of them, and a table of
 * another size only has wider or narrower ranges. So a position in this order
 * remains valid when the table is resized. While it is, steps have the length
 * of the narrower ranges, each of which lies in one slot of one table. */
static const uint64_t walk_end = (uint64_t)UINT32_MAX + 1;

/* Of all hashes, those that one step of a walk passes: a power of two. */
static uint64_t walk_range(const struct map *m)
{
    size_t finest = m->slot_count > m->old_count ? m->slot_count : m->old_count;
    return walk_end / finest;
}

/* Nodes and their names lie anywhere in memory. Fetched together, those of a
 * piece take hardly longer than one. */
static void walk_fetch(const struct map *m, uint64_t from, size_t slots)
{
    const struct map_node *nodes[WALK_PIECE];
    uint64_t range = walk_range(m);
    size_t n = 0;
    for (; slots > 0 && from < walk_end; slots--, from += range) {
        nodes[n] = *map_slot(m, reverse_bits((uint32_t)from));
        if (nodes[n]) /* to fetch NULL takes long */
            __builtin_prefetch(nodes[n++]);
    }
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(map_node_name(nodes[i]));
        if (nodes[i]->next)
            __builtin_prefetch(nodes[i]->next);
    }
}

bool map_walk(const struct map *m, struct map_walk *walk, size_t slots,
              void (*visit)(struct map_node *, void *), void *arg)
{
    if (m->count == 0) {
        walk->passed = walk_end;
        return false;
    }
    uint64_t range = walk_range(m);
    for (size_t i = 0; i < slots && walk->passed < walk_end; i++) {
        uint64_t from = walk->passed;
        if (i % WALK_PIECE == 0)
            walk_fetch(m, from,
                       slots - i < WALK_PIECE ? slots - i : WALK_PIECE);
        uint64_t next = (from | (range - 1)) + 1;
        struct map_node *node = *map_slot(m, reverse_bits((uint32_t)from));
        for (; node; node = node->next) {
            uint64_t place = reverse_bits(node->hash);
            if (place >= from && place < next)
                visit(node, arg);
        }
        walk->passed = next;
    }
    return walk->passed < walk_end;
}

void map_each(const struct map *m, void (*visit)(struct map_node *, void *),
              void *arg)
{
    (void)map_visit(m, 0, map_all_slots(m), visit, arg);
}
