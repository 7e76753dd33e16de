/* SPDX-License-Identifier: MIT
 *
 * certainty - whether a client's model knows how the broker stands to it. A
 * session may have ended for reasons that its client is told later.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_CERTAINTY_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_CERTAINTY_H

#include "tests/unit/units_sim/world.h"

bool certainty_of(const struct sim *sim, const struct actor *a);

#endif
