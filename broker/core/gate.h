/* SPDX-License-Identifier: MIT
 *
 * gate - where publishers wait while a channel cannot take more. Each reason
 * closes it, and opens it again when it has passed; publishers that wait are
 * admitted in the order they came, a few per turn, so that a queue with little
 * room is shared fairly.
 */
#ifndef SLUICE_CORE_GATE_H
#define SLUICE_CORE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"

/* A place in the line at a gate; embedded by its owner. */
struct place {
    struct list link;
    struct list opened; /* of the first one: in the list of the first places
                           at gates that are open */
    struct gate *gate;
};

struct gate {
    struct place *first; /* in the line; NULL when none waits */
    uint32_t closed;     /* reasons to be closed */
};

/* Whether a newcomer must wait: while others wait it must, even when the gate
 * is open; otherwise fast publishers would always overtake those that wait. */
static inline bool gate_must_wait(const struct gate *g)
{
    return g->closed > 0 || g->first;
}

/* An open gate without a line. */
void gate_init(struct gate *g);

/* `open_gates` is the list of the first places at gates that are open. */
void gate_close(struct gate *g);
void gate_open(struct gate *g, struct list *open_gates);

/* Takes a place at the end, or in front of all others. */
void gate_wait(struct gate *g, struct list *open_gates, struct place *p,
               bool is_first);

/* Takes the first place out of the line; NULL when the line is empty. */
struct place *gate_pop(struct gate *g, struct list *open_gates);

/* Gives the place up before its turn. */
void gate_forget(struct place *p, struct list *open_gates);

#endif
