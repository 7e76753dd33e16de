/* SPDX-License-Identifier: MIT
 *
 * moving - compaction: what is wanted of the segment that holds least is copied
 * into the newest one, so that a message which nobody takes does not keep 64
 * MiB. The catalog says what is wanted; it is copied in the order of the file.
 */
#ifndef SLUICE_STORE_MOVING_H
#define SLUICE_STORE_MOVING_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/store/engine_parts.h"

enum { MOVING_BYTES = 1 << 20 }; /* in one batch, about */

/* Looks for a segment to empty, if one should be and none is. */
void moving_choose(struct engine *e);
/* Without space: chooses one that can be emptied into what is left of the
 * newest segment, or into a new one, taken from the reserve, if another will
 * fit there too, so that more is gained than it takes. 0, or an error of the
 * writer. */
int moving_squeeze(struct engine *e);
/* Begins to empty a segment, of which what lies from offset `from` on is
 * wanted. False without memory. */
bool moving_begin(struct engine *e, uint32_t segment, uint64_t from);
/* There is nothing more to be done about the victim, if there is one: what is
 * left there is damaged, or finds no room. It is tried again when there is less
 * of that, or more room. */
void moving_give_up(struct engine *e);
/* Adds what is left to be moved to the batch, up to `most` bytes but at least
 * one record's messages, which are copied there unless they `stay` in the
 * window. moving.next goes on behind them. */
void moving_gather(struct engine *e, uint64_t most, bool stays);
/* What all moves of the victim, which has just been begun, take in batches. */
uint64_t moving_measure(struct engine *e);
/* Frees its memory. */
void moving_clear(struct moving *m);

#endif
