/* SPDX-License-Identifier: MIT */
#include "broker/net/suspects.h"

#include <string.h>

static void suspects_age(struct suspects *s, clock_ms now)
{
    uint32_t age_ms = clock_elapsed_ms(now, s->began);
    if (age_ms < SUSPECTS_MS)
        return;
    if (age_ms < 2 * (uint32_t)SUSPECTS_MS)
        memcpy(s->marks[1], s->marks[0], sizeof s->marks[1]);
    else
        memset(s->marks[1], 0, sizeof s->marks[1]);
    memset(s->marks[0], 0, sizeof s->marks[0]);
    s->began = now;
}

void suspects_note(struct suspects *s, uint16_t host, clock_ms now)
{
    suspects_age(s, now);
    s->marks[0][host / 64] |= UINT64_C(1) << host % 64;
}

bool suspects_have(struct suspects *s, uint16_t host, clock_ms now)
{
    suspects_age(s, now);
    uint64_t marks = s->marks[0][host / 64] | s->marks[1][host / 64];
    return marks >> host % 64 & 1;
}
