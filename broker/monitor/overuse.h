/* SPDX-License-Identifier: MIT
 *
 * overuse - decides when the feed has to be closed because of memory that the
 * budget does not count, and when it may be opened again: after a pause that
 * doubles each time, unless the feed has stayed open for long.
 */
#ifndef SLUICE_MONITOR_OVERUSE_H
#define SLUICE_MONITOR_OVERUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/clock.h"

struct budget;

enum {
    OVERUSE_BYTES = 16 << 20, /* resident beyond the budget's limit */
    OVERUSE_PAUSE_MS = 5000,  /* the first one, */
    OVERUSE_PAUSE_MAX_MS = 10 * 60 * 1000, /* and the longest */
    OVERUSE_CALM_MS = 10 * 60 * 1000,      /* after that, the first one again */
};

struct overuse {
    const struct budget *budget;
    uint64_t base_bytes; /* resident before there were clients or watchers */
    bool is_closed;
    uint32_t pause_ms; /* of the next closing; 0: the first one */
    clock_ms since;    /* opened or closed */
};

/* Call it before there are clients or watchers. */
void overuse_init(struct overuse *o, const struct budget *budget,
                  uint64_t resident_bytes, clock_ms now);

/* Whether so much resident memory is more than the budget and its limit can
 * account for. False if the budget has no limit. */
bool overuse_is(const struct overuse *o, uint64_t resident_bytes);

/* The feed is closed: returns for how long. */
uint32_t overuse_close(struct overuse *o, clock_ms now);

/* Whether the pause is over. */
bool overuse_may_open(const struct overuse *o, clock_ms now);

/* The feed is open again. */
void overuse_open(struct overuse *o, clock_ms now);

#endif
