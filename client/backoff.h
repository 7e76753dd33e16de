/* SPDX-License-Identifier: MIT
 *
 * backoff - pauses between attempts to connect: their ceiling doubles from
 * 0.25 s to 10 s, and each is a random part of it, so that many listeners do
 * not reconnect at the same moment.
 */
#ifndef SLUICE_CLIENT_BACKOFF_H
#define SLUICE_CLIENT_BACKOFF_H

#include <stdint.h>

struct backoff {
    uint32_t ceiling_ms;
    uint64_t random; /* never 0 */
};

/* `seed` may be anything. */
void backoff_init(struct backoff *b, uint64_t seed);

/* After a success: the next pauses are short again. */
void backoff_reset(struct backoff *b);

/* How long to pause now, in milliseconds. */
int backoff_next_ms(struct backoff *b);

#endif
