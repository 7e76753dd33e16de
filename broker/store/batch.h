/* SPDX-License-Identifier: MIT
 *
 * batch - the bytes of a batch while it is put together: small payloads are
 * copied, large ones are pointed at. Nothing fails before batch_end().
 */
#ifndef SLUICE_STORE_BATCH_H
#define SLUICE_STORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "proto/journal.h"

struct batch {
    uint8_t *bytes; /* what is copied, one after another */
    size_t used, room;
    struct iovec *pieces; /* of the file; a base of NULL: the next ones that
                             were copied */
    int count;
    size_t piece_room;
    bool is_short; /* there was no memory */
    uint32_t seed;
    uint64_t offset; /* in the file, of all the pieces */
    uint64_t length; /* of them */
    /* The batch that is open: */
    struct journal_batch head;
    uint64_t begin;   /* its offset in the file, */
    size_t head_at;   /* the place of its header among the copied bytes, */
    uint32_t headers; /* and the checksum of its records' headers */
    /* Its open record, or the last one: */
    struct journal_record record; /* complete once it has ended */
    uint64_t record_begin;
    size_t record_at;
    uint64_t payload; /* its length */
};

/* Begins pieces that lie at `offset` of the file. */
void batch_start(struct batch *b, uint32_t seed, uint64_t offset);
/* Bytes outside of any batch: copied. */
void batch_raw(struct batch *b, const void *bytes, size_t length);
/* Begins a batch behind what is there: a number, a time and flags. */
void batch_begin(struct batch *b, struct journal_batch head);
/* Begins a record: all but what its payload says. */
void batch_record(struct batch *b, struct journal_record record);
/* More of its payload, which must stay until it is written if `stays`. */
void batch_add(struct batch *b, const void *bytes, size_t length, bool stays);
/* An entry. It is counted if its type is that of the record. */
void batch_entry(struct batch *b, enum journal_type type,
                 const union journal_entry *entry);
/* Ends the record. */
void batch_record_end(struct batch *b);
/* Ends the batch; zeros to a page are added if they end before `limit`.
 * Returns the offset behind it, 0 without memory. */
uint64_t batch_end(struct batch *b, uint64_t limit);
/* The pieces as they are to be written; valid until the next start. */
struct iovec *batch_pieces(struct batch *b);
/* Frees its memory. */
void batch_clear(struct batch *b);

#endif
