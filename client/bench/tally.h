/* SPDX-License-Identifier: MIT
 *
 * tally - the messages that all subscribers together have seen.
 */
#ifndef SLUICE_CLIENT_BENCH_TALLY_H
#define SLUICE_CLIENT_BENCH_TALLY_H

#include "client/bench/histogram.h"

#include <stdbool.h>

struct tally {
    uint64_t received;   /* deliveries of this run, without duplicates */
    uint64_t duplicates; /* of a message that had come already */
    uint64_t reordered;  /* after a later one of the same publisher */
    uint64_t foreign;    /* of another program, or of an earlier run */
    uint64_t probes;
    uint64_t last_ns; /* when the last one was received */
    bool is_out_of_memory;
    struct histogram latency; /* ns; empty without stamps */
};

/* Everything that arrived, except probes. */
static inline uint64_t tally_messages(const struct tally *t)
{
    return t->received + t->duplicates + t->foreign;
}

#endif
