/* SPDX-License-Identifier: MIT
 *
 * run - one run of a benchmark: wait until every subscriber receives, send,
 * wait until everything has been received.
 */
#ifndef SLUICE_CLIENT_BENCH_RUN_H
#define SLUICE_CLIENT_BENCH_RUN_H

#include "client/bench/connections.h"

/* The results of a run, apart from the connections' tally. */
struct outcome {
    uint64_t sent;          /* messages */
    uint64_t expected;      /* deliveries of them */
    uint64_t sending_ns;    /* from the first send to the last */
    uint64_t delivering_ns; /* from the first send to the last delivery */
    double cpu;             /* share of one core that this program took */
};

static inline uint64_t outcome_lost(const struct outcome *o,
                                    const struct tally *t)
{
    return o->expected > t->received ? o->expected - t->received : 0;
}

/* Runs the plan. A stop signal ends it early, in order. False, with c->failure,
 * when it cannot be completed. */
bool run_plan(struct connections *c, struct outcome *out);

#endif
