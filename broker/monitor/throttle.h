/* SPDX-License-Identifier: MIT
 *
 * throttle - so many per second, the rest is counted.
 */
#ifndef SLUICE_MONITOR_THROTTLE_H
#define SLUICE_MONITOR_THROTTLE_H

#include <stdint.h>

#include "broker/base/clock.h"

struct throttle {
    clock_ms since;  /* when the current second began */
    uint64_t passed; /* in it */
    uint64_t missed; /* since this was last told */
};

/* How many of `wanted` may pass now; the others are missed. */
uint64_t throttle_pass(struct throttle *t, clock_ms now, uint64_t per_second,
                       uint64_t wanted);

/* How many were missed and not told yet; they are told now. */
static inline uint64_t throttle_tell(struct throttle *t)
{
    uint64_t missed = t->missed;
    t->missed = 0;
    return missed;
}

#endif
