/* SPDX-License-Identifier: MIT
 *
 * plan - the settings of one run of `sluice bench`.
 */
#ifndef SLUICE_CLIENT_BENCH_PLAN_H
#define SLUICE_CLIENT_BENCH_PLAN_H

#include "client/bench/speech.h"
#include "client/target.h"

#include <stdbool.h>
#include <stdint.h>

struct plan {
    const struct target *target;
    const char *channel;
    bool is_queue;   /* each message goes to one subscriber, not to all */
    bool has_stamps; /* messages are long enough to carry a stamp */
    uint32_t publishers;
    uint32_t subscribers;
    uint32_t size;        /* bytes of a message */
    uint64_t count;       /* messages of all publishers; 0: no limit */
    uint64_t duration_ns; /* of sending; 0: no limit */
    uint64_t rate;        /* messages per second of all; 0: unpaced */
    uint32_t run;         /* a random number that names this run */
    struct speech speech; /* the version of the protocol */
};

#endif
