/* SPDX-License-Identifier: MIT
 *
 * calm - nothing new is published, and everybody takes what there is: then all
 * that was promised must have come.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_CALM_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_CALM_H

#include "tests/unit/units_sim/world.h"

/* Until nothing is left to do. */
void calm_down(struct sim *sim);

/* All clients go at once, or the broker stops. Nobody is left. */
void calm_hang_up(struct sim *sim);
void calm_drain(struct sim *sim);

#endif
