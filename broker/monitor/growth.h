/* SPDX-License-Identifier: MIT
 *
 * growth - how much each count of a channel, or client, has grown since the
 * last report. The counts are kept here, and only while there are watchers;
 * kept in channels and clients, they would always cost memory.
 *
 * A round is one walk over all of them; a key that is not noted in a round is
 * forgotten.
 */
#ifndef SLUICE_MONITOR_GROWTH_H
#define SLUICE_MONITOR_GROWTH_H

#include <stdint.h>

#include "broker/base/idmap.h"

/* All zeros is empty. */
struct growth {
    /* Counts by key, of the latest round and the one before. */
    struct idmap last, before;
};

/* Frees the counts. */
void growth_fini(struct growth *g);

/* Begins a round. */
void growth_begin(struct growth *g);

/* Notes a count in this round; returns its growth since the round before.
 * Without memory it is not noted. `key` is not 0. */
uint64_t growth_note(struct growth *g, uint64_t key, uint64_t count);

/* The growth since the latest round; notes nothing. */
uint64_t growth_since(const struct growth *g, uint64_t key, uint64_t count);

#endif
