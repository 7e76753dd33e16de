/* SPDX-License-Identifier: MIT
 *
 * unit_invariants - what must hold of the sessions of version 2: what they keep
 * is counted, and one that is not read waits for something that will come.
 */
#ifndef SLUICE_TESTS_FUZZ_UNIT_INVARIANTS_H
#define SLUICE_TESTS_FUZZ_UNIT_INVARIANTS_H

#include <stdbool.h>
#include <stdint.h>

struct house;
struct session;

/* At any time between two calls of the broker; all of one session. */
void unit_invariants_check_session(const struct session *s);

/* All that they share. */
void unit_invariants_check(const struct house *h);

/* Whether it is about to be written to. */
bool unit_invariants_writes(const struct session *s);

/* Places in channels, without the session's own. */
uint64_t unit_invariants_lanes(const struct session *s);

#endif
