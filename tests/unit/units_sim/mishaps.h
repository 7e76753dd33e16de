/* SPDX-License-Identifier: MIT
 *
 * mishaps - what happens to the broker, by chance and as the mood of the run
 * allows: other rules, little memory, allocations that fail.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_MISHAPS_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_MISHAPS_H

#include "tests/unit/units_sim/world.h"

void mishaps_rules(struct sim *sim);
void mishaps_memory(struct sim *sim);
void mishaps_fault(struct sim *sim);

/* The rules at the beginning. */
void mishaps_begin(struct sim *sim);

/* Nothing more of the kind. */
void mishaps_end(struct sim *sim);

#endif
