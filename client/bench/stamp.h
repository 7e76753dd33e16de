/* SPDX-License-Identifier: MIT
 *
 * stamp - the first bytes of a message of a benchmark. The process that writes
 * it also reads it, so it travels in the machine's own byte order.
 */
#ifndef SLUICE_CLIENT_BENCH_STAMP_H
#define SLUICE_CLIENT_BENCH_STAMP_H

#include <stdint.h>
#include <time.h>

struct stamp {
    uint32_t run;       /* plan.run: messages of another run are not ours */
    uint32_t publisher; /* its index, or STAMP_PROBE */
    uint64_t sequence;  /* of the publisher's messages, from 0 */
    uint64_t at_ns;     /* when it was to be sent, on the monotonic clock */
};

_Static_assert(sizeof(struct stamp) == 24, "no padding travels");

/* A message that is not counted: it shows which subscribers receive. */
#define STAMP_PROBE UINT32_MAX

/* CLOCK_MONOTONIC, which both ends of a measurement share. */
static inline uint64_t stamp_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif
