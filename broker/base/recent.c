/* SPDX-License-Identifier: MIT */
#include "broker/base/recent.h"

#include <string.h>

static void recent_turn(struct recent *r, clock_ms now)
{
    uint32_t elapsed = clock_elapsed_ms(now, r->began);
    if (elapsed < RECENT_PERIOD_MS)
        return;
    if (elapsed < 2 * RECENT_PERIOD_MS)
        memcpy(r->before, r->now, sizeof r->before);
    else
        memset(r->before, 0, sizeof r->before);
    memset(r->now, 0, sizeof r->now);
    r->began = now;
}

void recent_add(struct recent *r, clock_ms now, uint64_t us)
{
    unsigned i = 0;
    recent_turn(r, now);
    while (i + 1 < RECENT_STEPS && us >> i > 0)
        i++;
    r->now[i]++;
}

uint64_t recent_within_us(const struct recent *r, unsigned share)
{
    uint64_t all = 0, below = 0;
    for (unsigned i = 0; i < RECENT_STEPS; i++)
        all += (uint64_t)r->now[i] + r->before[i];
    for (unsigned i = 0; i < RECENT_STEPS && all > 0; i++)
        if ((below += (uint64_t)r->now[i] + r->before[i]) * 100 >= all * share)
            return (uint64_t)1 << i;
    return 0;
}
