/* SPDX-License-Identifier: MIT
 *
 * ranges - a set of numbers as ranges that rise and do not touch.
 */
#ifndef SLUICE_COMMON_RANGES_H
#define SLUICE_COMMON_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct range {
    uint64_t first, end; /* the first number, and that behind the last */
};

struct ranges {
    struct range *rows; /* NULL without room */
    uint32_t count, room;
};

/* Makes sure that the next ranges_add() has memory; false when there is none.
 */
bool ranges_reserve(struct ranges *r);

/* Adds first, ..., end - 1; there is room. */
void ranges_add(struct ranges *r, uint64_t first, uint64_t end);

/* Removes the range that `number` is in, and returns it. */
struct range ranges_take(struct ranges *r, uint64_t number);

/* Whether a range begins or ends there, or has some of first, ..., end - 1. */
bool ranges_touch(const struct ranges *r, uint64_t first, uint64_t end);

/* How many of first, ..., end - 1 are in the set. */
uint64_t ranges_overlap(const struct ranges *r, uint64_t first, uint64_t end);

/* Whether it is in the set. */
bool ranges_has(const struct ranges *r, uint64_t number);

/* The first number from `number` on that is not in the set; *end becomes the
 * next one behind it that is, or UINT64_MAX. */
uint64_t ranges_gap(const struct ranges *r, uint64_t number, uint64_t *end);

/* Removes all numbers below `first`. */
void ranges_cut(struct ranges *r, uint64_t first);

/* Empties the set and frees its memory. */
void ranges_clear(struct ranges *r);

#endif
