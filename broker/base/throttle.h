/* SPDX-License-Identifier: MIT
 *
 * throttle - limits a rate: a burst at once, then more as time passes. Those
 * that do not pass are counted, so that their number can be reported later.
 */
#ifndef SLUICE_BASE_THROTTLE_H
#define SLUICE_BASE_THROTTLE_H

#include <stdint.h>

#include "broker/base/clock.h"

/* At most `burst` at once; each period gives back `refill` of them. */
struct throttle_rate {
    uint64_t burst, refill;
    uint32_t period_ms;
};

/* At most n in a second, counted from the first that passes in it. */
#define THROTTLE_PER_SECOND(n) ((struct throttle_rate){n, n, 1000})

/* All zeros: nothing has passed yet. */
struct throttle {
    clock_ms since;  /* when the current period began */
    uint64_t passed; /* of the burst, not given back yet */
    uint64_t missed; /* since throttle_take_missed */
};

/* Returns how many of `wanted` may pass now; the others are missed. */
uint64_t throttle_pass(struct throttle *t, clock_ms now,
                       struct throttle_rate rate, uint64_t wanted);

/* Counts as missed those that passed but that the caller could not use. */
static inline void throttle_miss(struct throttle *t, uint64_t n)
{
    t->missed += n;
}

/* How many were missed since the last call. */
static inline uint64_t throttle_take_missed(struct throttle *t)
{
    uint64_t missed = t->missed;
    t->missed = 0;
    return missed;
}

#endif
