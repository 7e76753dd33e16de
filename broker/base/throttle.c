/* SPDX-License-Identifier: MIT */
#include "broker/base/throttle.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A period begins with the first that passes after the burst is whole again,
 * so that a rate of n per second never lets more than n pass within one. */
static void throttle_refill(struct throttle *t, clock_ms now,
                            struct throttle_rate rate)
{
    uint32_t periods = clock_elapsed_ms(now, t->since) / rate.period_ms;
    t->passed -= least(t->passed, periods * rate.refill);
    if (t->passed == 0)
        t->since = now;
    else
        t->since += periods * rate.period_ms;
}

uint64_t throttle_pass(struct throttle *t, clock_ms now,
                       struct throttle_rate rate, uint64_t wanted)
{
    throttle_refill(t, now, rate);
    uint64_t left = rate.burst - least(rate.burst, t->passed);
    uint64_t n = least(wanted, left);
    t->passed += n;
    t->missed += wanted - n;
    return n;
}
