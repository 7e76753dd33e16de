/* SPDX-License-Identifier: MIT */
#include "broker/store/batch.h"

#include <stdlib.h>
#include <string.h>

#include "common/vector.h"
#include "proto/crc32c.h"

enum { COPIED_MAX = 4096, BATCH_ROOM = 256 << 10 };

void batch_start(struct batch *b, uint32_t seed, uint64_t offset)
{
    b->seed = seed;
    b->offset = offset;
    b->used = 0;
    b->count = 0;
    b->length = 0;
    b->is_short = false;
}

/* A piece that follows, NULL being copied bytes. */
static void batch_piece(struct batch *b, const void *bytes, size_t length)
{
    if (b->count > 0 && !bytes && !b->pieces[b->count - 1].iov_base) {
        b->pieces[b->count - 1].iov_len += length;
        return;
    }
    struct iovec *more =
        vector_grow(b->pieces, &b->piece_room, (size_t)b->count, sizeof *more);
    if (!more) {
        b->is_short = true;
        return;
    }
    b->pieces = more;
    b->pieces[b->count++] = (struct iovec){(void *)(uintptr_t)bytes, length};
}

/* Room for copied bytes, which become the next of the file; NULL without
 * memory. */
static uint8_t *batch_grow(struct batch *b, size_t length)
{
    size_t room = b->room ? b->room : BATCH_ROOM;
    while (room - b->used < length)
        room *= 2;
    if (room != b->room) {
        uint8_t *more = b->is_short ? NULL : realloc(b->bytes, room);
        if (!more) {
            b->is_short = true;
            return NULL;
        }
        b->bytes = more;
        b->room = room;
    }
    return b->bytes + b->used;
}

static void batch_take(struct batch *b, size_t length)
{
    batch_piece(b, NULL, length);
    b->used += length;
    b->length += length;
}

static void batch_zeros(struct batch *b, size_t length)
{
    uint8_t *at = batch_grow(b, length);
    if (!at || length == 0)
        return;
    memset(at, 0, length);
    batch_take(b, length);
}

void batch_raw(struct batch *b, const void *bytes, size_t length)
{
    uint8_t *at = batch_grow(b, length);
    if (!at)
        return;
    memcpy(at, bytes, length);
    batch_take(b, length);
}

void batch_begin(struct batch *b)
{
    b->batch_at = b->offset + b->length;
    b->batch_head = b->used;
    b->headers = b->seed;
    b->records = 0;
    batch_zeros(b, JOURNAL_BATCH_HEADER);
}

void batch_record(struct batch *b)
{
    b->record_at = b->offset + b->length;
    b->record_head = b->used;
    b->checksum = b->seed;
    b->payload = 0;
    batch_zeros(b, JOURNAL_RECORD_HEADER);
}

uint8_t *batch_room(struct batch *b, size_t length)
{
    return batch_grow(b, length);
}

void batch_fill(struct batch *b, size_t length)
{
    b->checksum = crc32c(b->checksum, b->bytes + b->used, length);
    b->payload += length;
    batch_take(b, length);
}

void batch_add(struct batch *b, const void *bytes, size_t length, bool stays)
{
    if (stays && length > COPIED_MAX) {
        b->checksum = crc32c(b->checksum, bytes, length);
        b->payload += length;
        b->length += length;
        batch_piece(b, bytes, length);
        return;
    }
    uint8_t *at = batch_grow(b, length);
    if (!at || length == 0)
        return;
    memcpy(at, bytes, length);
    batch_fill(b, length);
}

uint64_t batch_record_end(struct batch *b, struct journal_record *record)
{
    batch_zeros(b, (size_t)(journal_padded(b->payload) - b->payload));
    if (b->is_short)
        return 0;
    record->bytes = (uint32_t)b->payload;
    record->checksum = b->checksum;
    uint8_t *head = b->bytes + b->record_head;
    journal_put_record(head, b->seed, record);
    b->headers = crc32c(b->headers, head, JOURNAL_RECORD_HEADER);
    b->records++;
    return b->record_at;
}

uint64_t batch_end(struct batch *b, struct journal_batch *batch, uint64_t limit)
{
    uint8_t *trailer = batch_grow(b, JOURNAL_BATCH_TRAILER);
    if (!trailer || b->is_short)
        return 0;
    journal_put_trailer(trailer, b->headers, batch->number);
    batch_take(b, JOURNAL_BATCH_TRAILER);
    batch->records = b->records;
    batch->bytes = b->offset + b->length - b->batch_at;
    uint32_t flags = batch->flags;
    journal_batch_fill_page(batch, b->batch_at);
    if (journal_batch_end(batch, b->batch_at) > limit)
        batch->flags = flags;
    uint64_t end = journal_batch_end(batch, b->batch_at);
    batch_zeros(b, (size_t)(end - b->batch_at - batch->bytes));
    if (b->is_short)
        return 0;
    journal_put_batch(b->bytes + b->batch_head, b->seed, batch);
    return end;
}

const struct iovec *batch_pieces(struct batch *b)
{
    uint8_t *at = b->bytes;
    for (int i = 0; i < b->count; i++)
        if (!b->pieces[i].iov_base) {
            b->pieces[i].iov_base = at;
            at += b->pieces[i].iov_len;
        }
    return b->pieces;
}

void batch_clear(struct batch *b)
{
    free(b->bytes);
    free(b->pieces);
    *b = (struct batch){0};
}
