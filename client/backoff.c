/* SPDX-License-Identifier: MIT */
#include "client/backoff.h"

enum { BACKOFF_FIRST_MS = 250, BACKOFF_LAST_MS = 10000, BACKOFF_LEAST_MS = 20 };

void backoff_init(struct backoff *b, uint64_t seed)
{
    b->random = seed ? seed : 1;
    backoff_reset(b);
}

void backoff_reset(struct backoff *b)
{
    b->ceiling_ms = BACKOFF_FIRST_MS;
}

/* xorshift64: good enough to spread, and the same for the same seed. */
static uint64_t backoff_random(struct backoff *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return b->random;
}

int backoff_next_ms(struct backoff *b)
{
    uint32_t ceiling = b->ceiling_ms;
    b->ceiling_ms =
        ceiling * 2 < BACKOFF_LAST_MS ? ceiling * 2 : BACKOFF_LAST_MS;
    uint64_t spread = ceiling - BACKOFF_LEAST_MS + 1;
    return BACKOFF_LEAST_MS + (int)(backoff_random(b) % spread);
}
