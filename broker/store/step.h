/* SPDX-License-Identifier: MIT
 *
 * step - what was gathered becomes a batch, in the newest segment or a new one;
 * when it is on disk the catalog learns of it.
 */
#ifndef SLUICE_STORE_STEP_H
#define SLUICE_STORE_STEP_H

#include <stdint.h>

#include "broker/store/engine_parts.h"

/* See engine_need(). */
enum engine_need step_need(const struct engine *e);

/* See engine_step(); the store has not failed. */
void step_run(struct engine *e);

#endif
