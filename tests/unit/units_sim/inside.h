/* SPDX-License-Identifier: MIT
 *
 * inside - what is looked at within the broker: bounds, and which states occur.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_INSIDE_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_INSIDE_H

#include "tests/unit/units_sim/world.h"

void inside_check(struct sim *sim);

#endif
