/* SPDX-License-Identifier: MIT
 *
 * play_steps - what clients of version 1 do, and what happens to all.
 */
#ifndef SLUICE_TESTS_FUZZ_PLAY_STEPS_H
#define SLUICE_TESTS_FUZZ_PLAY_STEPS_H

#include "tests/fuzz/play.h"

extern play_verb *const play_steps[PLAY_VERBS];

#endif
