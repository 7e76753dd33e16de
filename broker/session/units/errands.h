/* SPDX-License-Identifier: MIT
 *
 * errands - work that would delay everybody if it were done in one piece. What
 * is begun first is done first, a bounded amount in each turn, one errand at a
 * time: so an errand finds what those before it have left, and nothing half
 * done.
 */
#ifndef SLUICE_SESSION_UNITS_ERRANDS_H
#define SLUICE_SESSION_UNITS_ERRANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"

/* In one turn: a unit of work takes about 50 ns. */
enum { ERRANDS_TURN_WORK = 4096 };

struct errand {
    struct list link; /* in the line; in none: it is not due */
    /* Does some of it, and lowers *work accordingly. True when it is done: then
     * it has been taken out of the line, and may have been freed. */
    bool (*run)(struct errand *c, int32_t *work);
};

struct errands {
    struct list line;
    int32_t work;      /* that may still be done in this turn */
    int32_t turn_work; /* of each turn; only tests change it */
};

void errands_init(struct errands *c);

static inline bool errands_are_due(const struct errands *c)
{
    return !list_is_empty(&c->line);
}

/* Adds an errand. If none is before it, it begins at once, and may be done when
 * the call returns. */
void errands_add(struct errands *c, struct errand *errand);

/* A turn ends: goes on with what is left. True when still more is. */
bool errands_end_turn(struct errands *c);

#endif
