/* SPDX-License-Identifier: MIT
 *
 * reading - messages of a channel are copied from their records into a block,
 * as the slices that they once were.
 */
#ifndef SLUICE_STORE_READING_H
#define SLUICE_STORE_READING_H

#include "broker/store/engine_parts.h"

/* Answers it, from what is on disk. */
void reading_run(struct engine *e, struct store_read *r);

/* The payload, and the header, of the record in which a place's messages are;
 * valid until the window moves. NULL when it is damaged or cannot be read. */
const uint8_t *reading_record(struct engine *e,
                              const struct catalog_channel *channel,
                              const struct place *p,
                              struct journal_record *record);

#endif
