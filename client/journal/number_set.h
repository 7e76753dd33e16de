/* SPDX-License-Identifier: MIT
 *
 * number_set - a set of numbers, as runs. It is filled first, in any order,
 * then settled, then asked.
 */
#ifndef SLUICE_CLIENT_JOURNAL_NUMBER_SET_H
#define SLUICE_CLIENT_JOURNAL_NUMBER_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers from `first` on, below `end`. */
struct number_run {
    uint64_t first, end;
};

/* Zeros are an empty set. */
struct number_set {
    struct number_run *runs; /* settled: rising, and not touching */
    size_t count, room;
};

/* Empties it. */
void number_set_fini(struct number_set *set);

/* Adds a run, which may be empty; false when there is no memory. */
bool number_set_add(struct number_set *set, uint64_t first, uint64_t end);

/* Sorts and joins the runs. */
void number_set_settle(struct number_set *set);

/* The first run of a settled set that ends above `number`; NULL: none does. */
const struct number_run *number_set_at(const struct number_set *set,
                                       uint64_t number);

/* Whether it is in a settled set. */
bool number_set_has(const struct number_set *set, uint64_t number);

/* How many of the numbers from `first` on, below `end`, are in a settled set.
 */
uint64_t number_set_count(const struct number_set *set, uint64_t first,
                          uint64_t end);

#endif
