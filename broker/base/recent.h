/* SPDX-License-Identifier: MIT
 *
 * recent - how long something took lately. What is older than two periods is
 * forgotten when there is something new, so a slow time does not stay visible
 * forever. Durations are rounded up to powers of two.
 *
 *     before: the period before      now: began ... the present
 */
#ifndef SLUICE_BASE_RECENT_H
#define SLUICE_BASE_RECENT_H

#include <stdint.h>

#include "broker/base/clock.h"

enum { RECENT_STEPS = 32, RECENT_PERIOD_MS = 30000 };

/* All zero: there was nothing. */
struct recent {
    clock_ms began;
    /* How many took less than 2^i microseconds, and not less than half. */
    uint32_t now[RECENT_STEPS], before[RECENT_STEPS];
};

/* It took so many microseconds. */
void recent_add(struct recent *r, clock_ms now, uint64_t us);

/* The microseconds within which so many of a hundred were done; 0: there was
 * nothing. */
uint64_t recent_within_us(const struct recent *r, unsigned share);

#endif
