/* SPDX-License-Identifier: MIT
 *
 * durations - how long something took, ever since: how often within each of a
 * few fixed bounds. It only grows, as histograms of Prometheus do; for what was
 * slow lately, see recent.h.
 */
#ifndef SLUICE_BASE_DURATIONS_H
#define SLUICE_BASE_DURATIONS_H

#include <stdint.h>

enum { DURATIONS_BOUNDS = 12 };

/* In microseconds, ascending. */
extern const uint32_t durations_bounds_us[DURATIONS_BOUNDS];

/* All zeros: it did not happen yet. */
struct durations {
    /* Up to that bound and beyond the one before; the last: beyond all. */
    uint64_t within[DURATIONS_BOUNDS + 1];
    uint64_t sum_us;
};

/* It took so many microseconds. */
void durations_add(struct durations *d, uint64_t us);

#endif
