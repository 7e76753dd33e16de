/* SPDX-License-Identifier: MIT
 *
 * sampler - one line a second for each key, and how many there would have been:
 * what one user or one source does many times must not drown what others do. So
 * many keys are remembered; the one that was quiet the longest gives way.
 */
#ifndef SLUICE_BASE_SAMPLER_H
#define SLUICE_BASE_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/clock.h"

enum { SAMPLER_KEYS = 64, SAMPLER_PERIOD_MS = 1000 };

struct sampler_row {
    uint64_t key;    /* 0: free */
    clock_ms since;  /* the latest that passed */
    uint64_t missed; /* since then */
};

/* All zeros: there was nothing yet. */
struct sampler {
    struct sampler_row rows[SAMPLER_KEYS];
};

/* Whether this one of the key, which is not 0, may pass; then *missed are those
 * before it that did not. */
bool sampler_pass(struct sampler *s, uint64_t key, clock_ms now,
                  uint64_t *missed);

#endif
