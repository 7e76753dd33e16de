/* SPDX-License-Identifier: MIT
 *
 * pass - turns and time pass, and after each turn what must hold is looked at.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_PASS_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_PASS_H

#include "tests/unit/units_sim/world.h"

/* A turn of the loop; then clients take what they like. */
void pass_turn(struct sim *sim);

/* Time passes, and timers fire when they are due; or they fire late. */
void pass_time(struct sim *sim, uint32_t ms);
void pass_leap(struct sim *sim, uint32_t ms);

#endif
