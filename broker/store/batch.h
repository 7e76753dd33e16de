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
    uint32_t headers;  /* checksum of the records' headers */
    uint32_t checksum; /* of the open record's payload */
    uint32_t records;
    uint64_t offset;    /* in the file, of all the pieces */
    uint64_t length;    /* of them */
    uint64_t batch_at;  /* offset in the file of the batch, */
    size_t batch_head;  /* place of its header, */
    size_t record_head; /* and of the open record's, among the copied bytes */
    uint64_t record_at; /* offset in the file of the open record */
    uint64_t payload;   /* length of its payload */
};

/* Begins pieces that lie at `offset` of the file. */
void batch_start(struct batch *b, uint32_t seed, uint64_t offset);
/* Bytes outside of any batch: copied. */
void batch_raw(struct batch *b, const void *bytes, size_t length);
/* Begins a batch behind what is there. */
void batch_begin(struct batch *b);
/* Begins a record. */
void batch_record(struct batch *b);
/* More of its payload, which must stay until it is written if `stays`. */
void batch_add(struct batch *b, const void *bytes, size_t length, bool stays);
/* Room for more of its payload, to be filled before the next call; NULL
 * without memory. batch_fill() takes what was written there. */
uint8_t *batch_room(struct batch *b, size_t length);
void batch_fill(struct batch *b, size_t length);
/* Ends the record; its `bytes` and `checksum` are set. Returns its offset in
 * the file. */
uint64_t batch_record_end(struct batch *b, struct journal_record *record);
/* Ends the batch; zeros to a page are added if they end before `limit`.
 * Returns the offset behind it, 0 without memory. */
uint64_t batch_end(struct batch *b, struct journal_batch *batch,
                   uint64_t limit);
/* The pieces as they are to be written; valid until the next start. */
const struct iovec *batch_pieces(struct batch *b);
/* Frees its memory. */
void batch_clear(struct batch *b);

#endif
