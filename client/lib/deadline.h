/* SPDX-License-Identifier: MIT
 *
 * deadline - a timeout turned into a point on the monotonic clock, so that
 * several waits can share it.
 */
#ifndef SLUICE_CLIENT_LIB_DEADLINE_H
#define SLUICE_CLIENT_LIB_DEADLINE_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

/* Milliseconds of CLOCK_MONOTONIC, or one of these two. */
typedef int64_t sluice_deadline;
#define SLUICE_DEADLINE_NEVER ((sluice_deadline)INT64_MAX)
#define SLUICE_DEADLINE_NOW   ((sluice_deadline)0)

/* CLOCK_MONOTONIC in milliseconds. */
static inline int64_t sluice_deadline_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* So long from now; never if it is negative, as callers of the library say. */
static inline sluice_deadline sluice_deadline_in(int timeout_ms)
{
    if (timeout_ms < 0)
        return SLUICE_DEADLINE_NEVER;
    if (timeout_ms == 0)
        return SLUICE_DEADLINE_NOW;
    return sluice_deadline_clock() + timeout_ms;
}

/* Milliseconds left, as poll(2) takes them: -1 is forever. */
static inline int sluice_deadline_left(sluice_deadline deadline)
{
    if (deadline == SLUICE_DEADLINE_NEVER)
        return -1;
    if (deadline == SLUICE_DEADLINE_NOW)
        return 0;
    int64_t left = deadline - sluice_deadline_clock();
    if (left < 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

#endif
