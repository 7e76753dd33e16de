/* SPDX-License-Identifier: MIT
 *
 * answers - what the broker owes for each unit: one answer, the right one.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_ANSWERS_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_ANSWERS_H

#include "tests/unit/units_sim/world.h"

struct said;

void answers_ok(struct sim *sim, struct actor *a, const struct said *u);
void answers_error(struct sim *sim, struct actor *a, const struct said *u);
void answers_reply(struct sim *sim, struct actor *a, const struct said *u);
void answers_pong(struct sim *sim, struct actor *a, const struct said *u);

/* The server said BYE: what has no answer was not executed. */
void answers_bye(struct sim *sim, struct actor *a);

/* Requests must not be late. */
void answers_check_time(struct sim *sim);

/* Nor may what can be answered at once, whatever is parked. */
void answers_check_turns(struct sim *sim);

#endif
