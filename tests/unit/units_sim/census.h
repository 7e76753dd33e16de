/* SPDX-License-Identifier: MIT
 *
 * census - how many readers a channel has: at least those that surely
 * subscribed, at most those that may have. Receipts are judged by it.
 */
#ifndef SLUICE_TESTS_UNIT_UNITS_SIM_CENSUS_H
#define SLUICE_TESTS_UNIT_UNITS_SIM_CENSUS_H

#include "tests/unit/units_sim/world.h"

/* Whether it may read the channel now; and whether it surely does. */
bool census_may_read(const struct actor *a, int channel);
bool census_surely_reads(const struct sim *sim, const struct actor *a,
                         int channel);

/* A publish is under way from now on. */
void census_begin(struct sim *sim, struct ask *ask);

/* Somebody came, left, or asked to: of all that is under way the bounds may
 * have become wider. */
void census_changed(struct sim *sim);

/* A publish was executed: it reached so many readers. */
void census_check(struct sim *sim, const struct ask *ask, uint64_t readers);

#endif
