/* SPDX-License-Identifier: MIT */
#include "broker/monitor/overuse.h"

#include "broker/base/budget.h"

void overuse_init(struct overuse *o, const struct budget *budget,
                  uint64_t resident_bytes, clock_ms now)
{
    *o = (struct overuse){
        .budget = budget, .base_bytes = resident_bytes, .since = now};
}

/* Both, because a budget that is nearly used up explains what is resident, and
 * because the operator has granted what is below the limit. */
bool overuse_is(const struct overuse *o, uint64_t resident_bytes)
{
    const struct budget *b = o->budget;
    uint64_t known = o->base_bytes + budget_level(b) + OVERUSE_BYTES;
    return b->limit_bytes > 0 && resident_bytes > known &&
           resident_bytes > b->limit_bytes + OVERUSE_BYTES;
}

uint32_t overuse_close(struct overuse *o, clock_ms now)
{
    bool is_first =
        o->pause_ms == 0 || clock_elapsed_ms(now, o->since) >= OVERUSE_CALM_MS;
    uint32_t pause_ms = is_first ? OVERUSE_PAUSE_MS : o->pause_ms * 2;
    o->pause_ms =
        pause_ms < OVERUSE_PAUSE_MAX_MS ? pause_ms : OVERUSE_PAUSE_MAX_MS;
    o->is_closed = true;
    o->since = now;
    return o->pause_ms;
}

bool overuse_may_open(const struct overuse *o, clock_ms now)
{
    return o->is_closed && clock_elapsed_ms(now, o->since) >= o->pause_ms;
}

void overuse_open(struct overuse *o, clock_ms now)
{
    o->is_closed = false;
    o->since = now;
}
