/* SPDX-License-Identifier: MIT
 *
 * progress - a bar on standard error, when that is a terminal; else nothing.
 */
#ifndef SLUICE_CLIENT_BENCH_PROGRESS_H
#define SLUICE_CLIENT_BENCH_PROGRESS_H

#include "client/bench/plan.h"

enum { PROGRESS_MS = 100 }; /* how often it is worth showing */

struct progress {
    const struct plan *plan;
    bool is_shown;
    uint64_t start_ns;
    uint64_t shown_ns; /* when it was last drawn, */
    uint64_t received; /* and what had been received by then */
};

/* Nothing is drawn yet. `plan` is borrowed. */
void progress_init(struct progress *p, const struct plan *plan,
                   uint64_t start_ns);

/* Draws it again when PROGRESS_MS have passed. */
void progress_show(struct progress *p, uint64_t now_ns, uint64_t sent,
                   uint64_t received);

/* Leaves an empty line behind. */
void progress_clear(struct progress *p);

#endif
