/* SPDX-License-Identifier: MIT
 *
 * steps - what clients do, and what happens to them, by chance.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_STEPS_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_STEPS_H

#include "tests/unit/units_sim/world.h"

/* Takes one step. */
void steps_take(struct sim *sim);

/* Opens its windows; and acknowledges all that it holds. */
void steps_open_windows(struct sim *sim, struct actor *a);
void steps_settle_all(struct sim *sim, struct actor *a);

#endif
