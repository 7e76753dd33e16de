/* SPDX-License-Identifier: MIT
 *
 * sampler - a few lines a second for each key, and how many there would have
 * been: what one user or one source does many times must not drown what others
 * do. So many keys are remembered; the one that was quiet the longest gives
 * way.
 */
#ifndef SLUICE_BASE_SAMPLER_H
#define SLUICE_BASE_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/clock.h"

enum { SAMPLER_KEYS = 64, SAMPLER_PERIOD_MS = 1000 };

struct sampler_row {
    uint64_t key;    /* 0: free */
    clock_ms since;  /* the first that passed in its second */
    uint32_t passed; /* since then */
    uint64_t missed; /* since the latest that passed */
};

/* All zeros: there was nothing yet. */
struct sampler {
    struct sampler_row rows[SAMPLER_KEYS];
};

/* Whether this one of the key, which is not 0, may pass, as one of `most` in a
 * second. *missed are those before it that the caller knows of; if it passes,
 * they become all those that did not. */
bool sampler_pass(struct sampler *s, uint64_t key, uint32_t most, clock_ms now,
                  uint64_t *missed);

#endif
