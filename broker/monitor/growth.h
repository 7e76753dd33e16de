/* SPDX-License-Identifier: MIT
 *
 * growth - how much each count of a channel, or client, has grown since the
 * last report. The counts are remembered here, and only while there are
 * watchers: channels and clients would always pay for the memory.
 *
 * A round is one walk over all of them; a key that is not noted in a round is
 * forgotten.
 */
#ifndef SLUICE_MONITOR_GROWTH_H
#define SLUICE_MONITOR_GROWTH_H

#include <stddef.h>
#include <stdint.h>

struct growth_row {
    uint64_t key; /* 0: free */
    uint64_t count;
};

/* A table with open addressing. */
struct growth_table {
    struct growth_row *rows; /* NULL when there are none */
    size_t slots;            /* a power of two, or 0 */
    size_t used;
};

/* All zeros is empty. */
struct growth {
    struct growth_table last, before; /* the latest round and the one before */
};

/* Frees what is remembered. */
void growth_fini(struct growth *g);

/* Begins a round. */
void growth_begin(struct growth *g);

/* Notes a count in this round; returns its growth since the round before.
 * Without memory it is not noted. `key` is not 0. */
uint64_t growth_note(struct growth *g, uint64_t key, uint64_t count);

/* The growth since the latest round; notes nothing. */
uint64_t growth_since(const struct growth *g, uint64_t key, uint64_t count);

#endif
