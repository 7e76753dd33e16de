/* SPDX-License-Identifier: MIT
 *
 * gate - where publishers wait while a channel cannot take more. Whoever has
 * a reason closes it and opens it again; publishers that wait are let through
 * in the order they came, a few per turn, so that a queue with little room is
 * shared fairly.
 */
#ifndef SLUICE_CORE_GATE_H
#define SLUICE_CORE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"

struct channel;

/* Somebody who may wait; embedded by its owner, in at most one gate. */
struct publisher {
    struct list link;        /* in a gate's waiters or among the resumed */
    struct channel *channel; /* NULL when it does not wait */
};

struct gate {
    struct list waiters; /* publishers, first come first */
    struct list opened;  /* in the core's list while open with waiters */
    uint32_t closed;     /* reasons to be closed */
    bool is_shut;        /* closed, or others wait: come later */
};

void gate_init(struct gate *g);

/* `open_gates` is the list in which a gate is that is open and has waiters. */
void gate_close(struct gate *g);
void gate_open(struct gate *g, struct list *open_gates);

void publisher_init(struct publisher *p);

static inline bool publisher_is_waiting(const struct publisher *p)
{
    return p->channel != NULL;
}

/* Joins the waiters at the end. */
void gate_wait(struct gate *g, struct list *open_gates, struct publisher *p);

/* The first waiter, who need not wait any more; NULL when there is none. */
struct publisher *gate_pop(struct gate *g);

/* The waiter leaves before its turn. */
void gate_forget(struct gate *g, struct publisher *p);

#endif
