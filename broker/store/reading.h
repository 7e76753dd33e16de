/* SPDX-License-Identifier: MIT
 *
 * reading - messages of a channel are copied from their records into a block,
 * as the slices that they once were.
 */
#ifndef SLUICE_STORE_READING_H
#define SLUICE_STORE_READING_H

#include "broker/store/engine_parts.h"

/* See engine_read(). */
void reading_run(struct engine *e, struct store_read *r);

#endif
