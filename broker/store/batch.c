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

/* Room for more copied bytes; NULL without memory. */
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

void batch_raw(struct batch *b, const void *bytes, size_t length)
{
    uint8_t *at = batch_grow(b, length);
    if (!at || length == 0)
        return;
    memcpy(at, bytes, length);
    batch_piece(b, NULL, length);
    b->used += length;
    b->length += length;
}

static void batch_zeros(struct batch *b, size_t length)
{
    static const uint8_t zeros[JOURNAL_PAGE];
    batch_raw(b, zeros, length);
}

void batch_begin(struct batch *b, struct journal_batch head)
{
    b->head = head;
    b->begin = b->offset + b->length;
    b->head_at = b->used;
    b->headers = b->seed;
    batch_zeros(b, JOURNAL_BATCH_HEADER);
}

void batch_record(struct batch *b, struct journal_record record)
{
    b->record = record;
    b->record.checksum = b->seed;
    b->record_begin = b->offset + b->length;
    b->record_at = b->used;
    b->payload = 0;
    batch_zeros(b, JOURNAL_RECORD_HEADER);
}

void batch_add(struct batch *b, const void *bytes, size_t length, bool stays)
{
    b->record.checksum = crc32c(b->record.checksum, bytes, length);
    b->payload += length;
    if (!stays || length <= COPIED_MAX) {
        batch_raw(b, bytes, length);
        return;
    }
    b->length += length;
    batch_piece(b, bytes, length);
}

void batch_entry(struct batch *b, enum journal_type type,
                 const union journal_entry *entry)
{
    uint8_t bytes[JOURNAL_CHANNEL_ENTRY + JOURNAL_NAME_MAX + JOURNAL_ALIGNMENT];
    const uint8_t *end = journal_put(type, bytes, entry);
    batch_add(b, bytes, (size_t)(end - bytes), false);
    b->record.count += type == b->record.type;
}

void batch_record_end(struct batch *b)
{
    batch_zeros(b, (size_t)(journal_padded(b->payload) - b->payload));
    if (b->is_short)
        return;
    b->record.bytes = (uint32_t)b->payload;
    uint8_t *head = b->bytes + b->record_at;
    journal_put_record(head, b->seed, &b->record);
    b->headers = crc32c(b->headers, head, JOURNAL_RECORD_HEADER);
    b->head.records++;
}

uint64_t batch_end(struct batch *b, uint64_t limit)
{
    uint8_t trailer[JOURNAL_BATCH_TRAILER];
    struct journal_batch *head = &b->head;
    uint32_t flags = head->flags;
    journal_put_trailer(trailer, b->headers, head->number);
    batch_raw(b, trailer, sizeof trailer);
    head->bytes = b->offset + b->length - b->begin;
    journal_batch_fill_page(head, b->begin);
    if (journal_batch_end(head, b->begin) > limit)
        head->flags = flags;
    uint64_t end = journal_batch_end(head, b->begin);
    batch_zeros(b, (size_t)(end - b->begin - head->bytes));
    if (b->is_short)
        return 0;
    journal_put_batch(b->bytes + b->head_at, b->seed, head);
    return end;
}

struct iovec *batch_pieces(struct batch *b)
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
