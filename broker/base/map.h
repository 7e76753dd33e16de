/* SPDX-License-Identifier: MIT
 *
 * map - finds objects, in which a map_node is embedded, by a name of any
 * bytes. The table grows and shrinks with what it holds; an empty one owns
 * nothing. A large table is replaced bit by bit, as nodes come and go, because
 * at once it would take milliseconds.
 */
#ifndef SLUICE_BASE_MAP_H
#define SLUICE_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/budget.h"
#include "broker/base/siphash.h"

struct map_node {
    struct map_node *next;
    uint32_t hash;
    uint16_t length; /* of the name, which lies in the same object, */
    uint16_t offset; /* so many bytes behind the node */
};

static inline const uint8_t *map_node_name(const struct map_node *node)
{
    return (const uint8_t *)node + node->offset;
}

struct map {
    struct map_node **slots; /* NULL when empty */
    size_t slot_count;       /* a power of two, or 0 */
    size_t count;
    struct map_node **old; /* NULL, or the table that is being replaced, */
    size_t old_count;      /* so long; */
    size_t moved;          /* from this slot on, nodes are still there */
    struct siphash_key key;
    struct budget *budget;
};

/* An empty map; what it allocates is charged to `budget`. */
void map_init(struct map *m, struct budget *budget);

/* The map must be empty. */
void map_fini(struct map *m);

/* NULL when there is no node of this name. */
struct map_node *map_find(const struct map *m, const void *name, size_t length);

/* `node->length` and `node->offset` are set and not in the map yet. False when
 * there is no memory; then the map is as it was. */
bool map_insert(struct map *m, struct map_node *node);

/* `node` must be in the map. */
void map_remove(struct map *m, struct map_node *node);

/* Calls `visit` for the nodes in `slots` slots from number `from` on, round and
 * round; it may not change the map. Returns the number to go on from. */
size_t map_visit(const struct map *m, size_t from, size_t slots,
                 void (*visit)(struct map_node *, void *), void *arg);

/* A walk over the nodes in pieces, between which the map may change, grow and
 * shrink. All zeros: it has not begun. */
struct map_walk {
    uint64_t passed; /* hashes, with their bits reversed, that lie behind it */
};

/* Calls `visit` for the nodes in the next `slots` slots; it may not change the
 * map. In the whole walk each node that is in the map from its beginning to its
 * end is visited once. False when the walk is over. */
bool map_walk(const struct map *m, struct map_walk *walk, size_t slots,
              void (*visit)(struct map_node *, void *), void *arg);

/* Calls `visit` for every node; it may not change the map. */
void map_each(const struct map *m, void (*visit)(struct map_node *, void *),
              void *arg);

#endif
