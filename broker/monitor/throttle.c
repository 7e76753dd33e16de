/* SPDX-License-Identifier: MIT */
#include "broker/monitor/throttle.h"

enum { SECOND_MS = 1000 };

uint64_t throttle_pass(struct throttle *t, clock_ms now, uint64_t per_second,
                       uint64_t wanted)
{
    if (clock_elapsed_ms(now, t->since) >= SECOND_MS) {
        t->since = now;
        t->passed = 0;
    }
    uint64_t left = t->passed < per_second ? per_second - t->passed : 0;
    uint64_t n = wanted < left ? wanted : left;
    t->passed += n;
    t->missed += wanted - n;
    return n;
}
