/* SPDX-License-Identifier: MIT
 *
 * clock - milliseconds that only go forward. 32 bits wrap after 49 days:
 * compare by difference, never by size.
 */
#ifndef SLUICE_BASE_CLOCK_H
#define SLUICE_BASE_CLOCK_H

#include <stdint.h>

typedef uint32_t clock_ms;

/* CLOCK_MONOTONIC, cut to 32 bits. */
clock_ms clock_now_ms(void);

/* CLOCK_MONOTONIC in microseconds, for measuring. */
uint64_t clock_now_us(void);

/* Milliseconds since 1970, for people: they may go back. */
uint64_t clock_wall_ms(void);

/* Time from `since` to `now`, which is not before it. */
static inline uint32_t clock_elapsed_ms(clock_ms now, clock_ms since)
{
    return now - since;
}

#endif
