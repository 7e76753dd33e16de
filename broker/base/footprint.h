/* SPDX-License-Identifier: MIT
 *
 * footprint - how much resident memory the counted memory really takes. An
 * allocator keeps holes between allocations where others were freed: resident
 * memory that the budget does not count. This module gives the holes back to
 * the system, and counts those that cannot be given back.
 */
#ifndef SLUICE_BASE_FOOTPRINT_H
#define SLUICE_BASE_FOOTPRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/budget.h"
#include "broker/base/clock.h"

enum {
    FOOTPRINT_BUSY_MS = 10,  /* how often to look when half is used, */
    FOOTPRINT_IDLE_MS = 500, /* and when not, if much was given back */
};

struct footprint {
    struct budget *budget;
    uint64_t base_bytes; /* resident before there were clients */
    uint64_t high_bytes; /* the most used since memory was given back */
    clock_ms looked_at, trimmed_at;
    uint32_t rest_ms; /* after trimming */
};

/* Call before memory is held for any client. */
void footprint_init(struct footprint *f, struct budget *budget, clock_ms now);

/* Call once in every turn: it costs next to nothing unless much is used. Sets
 * the budget's waste_bytes: an eighth of the limit at most, so that the rest
 * can be used however large the holes are. */
void footprint_update(struct footprint *f, clock_ms now);

/* Whether to call footprint_update again in FOOTPRINT_IDLE_MS, even if there is
 * no turn: some memory is left that can go back to the system. */
bool footprint_is_pending(const struct footprint *f);

#endif
