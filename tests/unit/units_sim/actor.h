/* SPDX-License-Identifier: MIT
 *
 * actor - the sending half of a client's model: it connects, says units or
 * version 1 messages, remembers what it asked, and leaves.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_ACTOR_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_ACTOR_H

#include "tests/unit/units_sim/world.h"

/* A new connection. `channel` is that of version 1, -1: none. */
void actor_connect(struct sim *sim, struct actor *a, uint8_t version,
                   int channel);

/* Whether it may say something more. */
bool actor_may_say(const struct actor *a);

/* Says a unit: the head, to which a rid is added if the ask is to have an
 * answer, and its body. Returns what is remembered of it. */
struct ask *actor_say(struct sim *sim, struct actor *a, enum ask_kind kind,
                      bool has_rid, const char *head, const void *body,
                      uint32_t n);

/* Pings so often, with a long token and no rid. */
void actor_flood(struct actor *a, int times);

/* Publishes a message of `length` octets, in any version. `options` is added to
 * the head. Returns the ask, which is valid until the next. */
struct ask *actor_publish(struct sim *sim, struct actor *a, int channel,
                          uint32_t length, enum ask_kind kind, bool has_rid,
                          const char *options);

/* Ends its side. */
void actor_end(struct sim *sim, struct actor *a, int how);

/* Notes what the broker has read of each. */
void actor_note_reads(struct sim *sim);

/* The ask of this rid that is not answered; NULL when there is none. */
struct ask *actor_find_ask(struct actor *a, uint32_t rid);

static inline struct ask *actor_ask_at(struct actor *a, uint32_t i)
{
    return &a->asks[i % ASKS];
}

/* Calls `visit` for each ask that is remembered, the oldest first. */
void actor_each_ask(struct sim *sim, struct actor *a,
                    void (*visit)(struct sim *sim, struct actor *a,
                                  struct ask *ask));

/* The actor whose connection has this serial number; NULL when it has gone. */
struct actor *actor_of_serial(struct sim *sim, uint32_t serial);

/* The one at the other end of a wire. */
struct actor *actor_of_wire(struct sim *sim, int wire);

#endif
