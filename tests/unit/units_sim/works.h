/* SPDX-License-Identifier: MIT
 *
 * works - the model of queues: who has each message. It waits, is with one
 * worker, or is done.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_WORKS_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_WORKS_H

#include "tests/unit/units_sim/world.h"

struct said;

/* A message came to a client of version 2, with its last octet. */
void works_delivered(struct sim *sim, struct actor *a, uint32_t id,
                     const struct said *u);

/* The same for version 1. */
void works_taken(struct sim *sim, struct actor *a, uint32_t id);

/* Takes one of its holdings, or none, to say something of it; `ask` is what
 * will be remembered. */
void works_settle(struct actor *a, int holding, struct ask *ask);

/* An ACK, a NAK or a TOUCH has come to the broker, and was answered. */
void works_note_read(struct sim *sim, struct actor *a, struct ask *ask);
void works_done(struct sim *sim, struct actor *a, const struct ask *ask);
void works_gone(struct sim *sim, struct actor *a, const struct ask *ask);

/* It gives up what it holds of a pattern, -1: all. */
void works_leave(struct actor *a, int pattern);

#endif
