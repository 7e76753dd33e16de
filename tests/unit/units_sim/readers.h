/* SPDX-License-Identifier: MIT
 *
 * readers - the model of topics: for each client, which number comes next.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_READERS_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_READERS_H

#include "tests/unit/units_sim/world.h"

struct said;

/* Units of version 2. */
void readers_message(struct sim *sim, struct actor *a, int channel,
                     const struct said *u);
void readers_gap(struct sim *sim, struct actor *a, int channel,
                 const struct said *u);

/* A message of version 1. */
void readers_message_v1(struct sim *sim, struct actor *a, uint32_t id);

/* A subscription of version 2 began, or ended, with the number of the answer,
 * UINT64_MAX: none. */
void readers_subscribed(struct sim *sim, struct actor *a, int pattern,
                        uint64_t seq);
void readers_unsubscribed(struct sim *sim, struct actor *a, int pattern,
                          uint64_t seq);

#endif
