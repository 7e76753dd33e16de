/* SPDX-License-Identifier: MIT
 *
 * play_units - what clients of version 2 do.
 */
#ifndef SLUICE_TESTS_FUZZ_PLAY_UNITS_H
#define SLUICE_TESTS_FUZZ_PLAY_UNITS_H

#include "tests/fuzz/play.h"

extern play_verb *const play_units[PLAY_VERBS];

#endif
