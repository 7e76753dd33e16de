/* SPDX-License-Identifier: MIT
 *
 * course - how a benchmark goes: make sure that everybody hears, send, make
 * sure that everything has been heard.
 */
#ifndef SLUICE_CLIENT_BENCH_COURSE_H
#define SLUICE_CLIENT_BENCH_COURSE_H

#include "client/bench/crew.h"

/* What is known at the end besides the crew's tally. */
struct outcome {
    uint64_t sent;          /* messages */
    uint64_t expected;      /* deliveries of them */
    uint64_t sending_ns;    /* from the first send to the last */
    uint64_t delivering_ns; /* from the first send to the last delivery */
    double cpu;             /* share of one core this program took meanwhile */
};

static inline uint64_t outcome_lost(const struct outcome *o,
                                    const struct tally *t)
{
    return o->expected > t->received ? o->expected - t->received : 0;
}

/* Runs the plan. Ends early, in order, on a stop signal. False, with
 * c->failure, when it cannot be brought to its end. */
bool course_run(struct crew *c, struct outcome *out);

#endif
