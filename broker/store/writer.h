/* SPDX-License-Identifier: MIT
 *
 * writer - appends batches to the newest segment, completes it, and begins the
 * next. Functions that return an int return 0; ENOMEM; a space_error() when
 * there is no space, with nothing changed; any other errno is final.
 */
#ifndef SLUICE_STORE_WRITER_H
#define SLUICE_STORE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/store/engine_parts.h"

/* Whether the store may go on with acknowledgements after this error. */
bool space_error(int error);
/* Bytes that a batch in the newest segment may take. A part of the segment is
 * for those without messages only. */
uint64_t writer_room(const struct engine *e, bool has_messages);
/* What messages may take of a new segment. */
uint64_t writer_next_room(const struct engine *e);
/* A segment that nothing on disk needs. */
void writer_free(struct engine *e, uint32_t segment);
/* Adds the entry of a channel to a record. */
void writer_add_channel(struct batch *b, const struct catalog_channel *channel);
/* Adds entries of ranges to one. */
void writer_add_ranges(struct batch *b, const struct ranges *ranges);
/* Seals the newest segment and begins another, with room for a batch of
 * messages of `bytes`, if not 0; for that it leaves `keep` spares. `more`,
 * unless NULL, adds records that come with it, at least one; the caller then
 * calls writer_apply(). */
int writer_roll(struct engine *e, uint64_t bytes, int keep,
                void (*more)(struct engine *e));
/* Completes the newest segment; opening needs not look for a torn end. */
int writer_seal(struct engine *e);
/* Begins a batch in the newest segment. */
void writer_begin(struct engine *e, uint32_t flags);
/* Writes and flushes it, with zeros to a page if it may have them. */
int writer_commit(struct engine *e, bool fills_page);
/* Ends a record of messages in the batch, and notes it for INDEX. */
void writer_record_end(struct engine *e);
/* The batch is on disk: the catalog learns where its messages are. */
void writer_apply(struct engine *e);
/* It will not be. */
void writer_discard(struct engine *e);

#endif
