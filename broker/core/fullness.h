/* SPDX-License-Identifier: MIT
 *
 * fullness - when a queue is full, and its gate closed: at its limits, or when
 * it was offered a message that does not fit; until it has fallen to half, and
 * that message fits.
 */
#ifndef SLUICE_CORE_FULLNESS_H
#define SLUICE_CORE_FULLNESS_H

#include <stdbool.h>
#include <stdint.h>

struct channel;

/* What a queue has, with what workers hold of it. */
struct fill {
    uint64_t bytes, messages;
};

/* All zeros: not full. */
struct fullness {
    uint64_t refused_bytes; /* the message that did not fit; 0: there is none */
    bool is_full;
};

/* Whether a message of `n` bytes fits within the limits of the queue; into an
 * empty one any message does. If not, the queue is full from now on. */
bool fullness_admits(struct fullness *f, struct channel *queue,
                     struct fill fill, uint64_t n);

/* The fill or the limits have changed. */
void fullness_update(struct fullness *f, struct channel *queue,
                     struct fill fill);

#endif
