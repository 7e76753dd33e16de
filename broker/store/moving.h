/* SPDX-License-Identifier: MIT
 *
 * moving - compaction: what is wanted of the segment that holds least is copied
 * into the newest one, so that a message which nobody takes does not keep 64
 * MiB.
 */
#ifndef SLUICE_STORE_MOVING_H
#define SLUICE_STORE_MOVING_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/store/engine_parts.h"

/* Looks for a segment to empty, if one should be. */
void moving_choose(struct engine *e);
/* Without space: chooses one that can be emptied into what is left of the
 * newest segment, or into a new one, taken from the reserve, if another will
 * fit there too, so that more is gained than it takes. 0, or an error of the
 * writer. */
int moving_squeeze(struct engine *e);
/* The victim cannot be emptied: it is damaged, or there is no room for what it
 * holds, and it may be tried again when there is less of that or more room. */
void moving_give_up(struct engine *e, bool is_damaged);
/* What the next record takes in a batch, at most; 0: there is none. */
uint64_t moving_peek(struct engine *e);
/* Adds records to the batch, up to `room` bytes. */
void moving_gather(struct engine *e, uint64_t room);
/* Adds what is wanted of one that lies in `segment` at `at`. */
void moving_record(struct engine *e, const struct journal_record *record,
                   const uint8_t *payload, uint32_t segment, uint64_t at,
                   bool stays);

#endif
