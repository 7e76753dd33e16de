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

/* Somebody's place in the line at a gate; embedded by its owner. */
struct place {
    struct list link;
    struct list opened; /* of the first one: in the core's list of gates that
                           are open and have waiters */
    struct gate *gate;
};

struct gate {
    struct place *first; /* of those who wait; NULL when nobody does */
    uint32_t closed;     /* reasons to be closed */
    bool is_shut;        /* closed, or others wait: come later */
};

void gate_init(struct gate *g);

/* `open_gates` is the list of the first places at gates that are open. */
void gate_close(struct gate *g);
void gate_open(struct gate *g, struct list *open_gates);

/* Takes a place at the end, or in front of all others. */
void gate_wait(struct gate *g, struct list *open_gates, struct place *p,
               bool is_first);

/* The first place, which is given up; NULL when there is none. */
struct place *gate_pop(struct gate *g, struct list *open_gates);

/* The place is given up before its turn. */
void gate_forget(struct place *p, struct list *open_gates);

#endif
