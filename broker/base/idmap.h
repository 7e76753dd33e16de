/* SPDX-License-Identifier: MIT
 *
 * idmap - finds a value by a number. The table grows and shrinks with what it
 * holds; an empty one owns nothing. A large table is replaced bit by bit, as
 * rows come and go, because at once it would take milliseconds. The numbers
 * must be the broker's own: a peer that could choose them could make all of
 * them collide.
 */
#ifndef SLUICE_BASE_IDMAP_H
#define SLUICE_BASE_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget;

struct idmap_row {
    uint64_t id; /* 0: free */
    uint64_t value;
};

struct idmap {
    struct idmap_row *rows; /* NULL when empty */
    size_t slot_count;      /* a power of two, or 0 */
    size_t count;
    struct idmap_row *old; /* NULL, or the table that is being replaced, */
    size_t old_count;      /* so long; */
    size_t moved;          /* from this slot on, rows are still there */
    struct budget *budget; /* NULL: not counted */
};

/* `budget`, if any, is borrowed for the life of the map. All zeros is an empty
 * map without a budget. */
void idmap_init(struct idmap *m, struct budget *budget);

/* Removes all rows. */
void idmap_clear(struct idmap *m);

/* The value of `id`, which is not 0; NULL when there is none. Valid until the
 * map changes. */
uint64_t *idmap_find(const struct idmap *m, uint64_t id);

/* Sets the value of `id`, which is not 0. False, with nothing changed, when
 * there is no memory. */
bool idmap_put(struct idmap *m, uint64_t id, uint64_t value);

/* Harmless when there is none. */
void idmap_remove(struct idmap *m, uint64_t id);

#endif
