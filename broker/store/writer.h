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
/* Bytes that a batch in the newest segment may take. */
uint64_t writer_room(const struct engine *e);
/* How much of a segment only acknowledgements may use. */
uint64_t writer_margin(const struct engine *e);
/* What messages may take of a new segment. */
uint64_t writer_next_room(const struct engine *e);
/* A segment that nothing on disk needs. */
void writer_free(struct engine *e, uint32_t segment);
/* The size of a new segment whose next batch takes `bytes`. */
uint64_t writer_segment_bytes(const struct engine *e, uint64_t bytes);
/* Adds the entry of a channel to a record. */
void writer_add_channel(struct batch *b, const struct catalog_channel *channel);
/* Adds entries of ranges to one. */
void writer_add_ranges(struct batch *b, const struct ranges *ranges);
/* Seals the newest segment and begins another, which takes a batch of `bytes`.
 * `more`, unless NULL, adds records that come with it, at least one; the caller
 * then calls writer_apply(). */
int writer_roll(struct engine *e, uint64_t bytes,
                void (*more)(struct engine *e));
/* Completes the newest segment; opening needs not look for a torn end. */
int writer_seal(struct engine *e);
/* Begins a batch in the newest segment. */
void writer_begin(struct engine *e, uint32_t flags);
/* Writes and flushes it. */
int writer_commit(struct engine *e);
/* Ends a record of messages in the batch, and notes it for INDEX. */
void writer_record_end(struct engine *e);
/* The batch is on disk: the catalog learns where its messages are. */
void writer_apply(struct engine *e);

#endif
