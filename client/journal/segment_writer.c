/* SPDX-License-Identifier: MIT */
#include "client/journal/segment_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/crc32c.h"

enum { FILE_UNIT = 1 << 20 }; /* files are multiples of it */

void segment_writer_begin(struct segment_writer *w, int fd,
                          const struct journal_segment *segment, uint64_t at_ms)
{
    *w = (struct segment_writer){.fd = fd,
                                 .segment = *segment,
                                 .seed = journal_seed(segment),
                                 .at = JOURNAL_SEGMENT_HEADER,
                                 .batch = segment->first_batch,
                                 .at_ms = at_ms,
                                 .used = JOURNAL_BATCH_HEADER};
    w->checksum = w->seed;
}

/* Room for so many more bytes. */
static uint8_t *segment_writer_take(struct segment_writer *w, size_t bytes)
{
    if (w->used + bytes > w->room) {
        size_t room = w->used + bytes + JOURNAL_BATCH_MAX / 4;
        uint8_t *buffer = realloc(w->buffer, room);
        if (!buffer) {
            w->has_failed = true;
            return NULL;
        }
        w->buffer = buffer;
        w->room = room;
    }
    uint8_t *at = w->buffer + w->used;
    memset(at, 0, bytes);
    w->used += bytes;
    return at;
}

void segment_writer_add(struct segment_writer *w, struct journal_record record,
                        const uint8_t *payload)
{
    size_t padded = (size_t)journal_padded(record.bytes);
    uint8_t *at = w->has_failed
                      ? NULL
                      : segment_writer_take(w, JOURNAL_RECORD_HEADER + padded);
    if (!at)
        return;
    record.checksum = crc32c(w->seed, payload, record.bytes);
    journal_put_record(at, w->seed, &record);
    w->checksum = crc32c(w->checksum, at, JOURNAL_RECORD_HEADER);
    if (record.bytes > 0)
        memcpy(at + JOURNAL_RECORD_HEADER, payload, record.bytes);
    w->records++;
}

bool segment_writer_is_full(const struct segment_writer *w, uint64_t bytes)
{
    return w->records > 0 && w->used + JOURNAL_RECORD_HEADER +
                                     journal_padded(bytes) +
                                     JOURNAL_BATCH_TRAILER >
                                 JOURNAL_BATCH_MAX;
}

static void write_at(struct segment_writer *w, const uint8_t *bytes,
                     size_t length, uint64_t offset)
{
    while (length > 0 && !w->has_failed) {
        ssize_t n = pwrite(w->fd, bytes, length, (off_t)offset);
        if (n < 0) {
            w->has_failed = true;
            return;
        }
        bytes += n;
        offset += (uint64_t)n;
        length -= (size_t)n;
    }
}

void segment_writer_commit(struct segment_writer *w, uint32_t flags)
{
    uint8_t *trailer = w->has_failed || w->records == 0
                           ? NULL
                           : segment_writer_take(w, JOURNAL_BATCH_TRAILER);
    struct journal_batch batch = {.records = w->records,
                                  .flags = flags,
                                  .bytes = w->used,
                                  .number = w->batch,
                                  .at_ms = w->at_ms};
    if (!trailer)
        return;
    journal_put_trailer(trailer, w->checksum, w->batch);
    journal_put_batch(w->buffer, w->seed, &batch);
    write_at(w, w->buffer, w->used, w->at);
    w->at = journal_batch_end(&batch, w->at);
    w->batch++;
    w->used = JOURNAL_BATCH_HEADER;
    w->records = 0;
    w->checksum = w->seed;
}

void segment_writer_add_numbers(struct segment_writer *w,
                                const struct journal_numbers *numbers)
{
    uint8_t entry[JOURNAL_NUMBERS_ENTRY];
    journal_put(JOURNAL_NUMBERS, entry,
                &(union journal_entry){.numbers = *numbers});
    segment_writer_add(w,
                       (struct journal_record){.type = JOURNAL_NUMBERS,
                                               .bytes = sizeof entry,
                                               .count = 1},
                       entry);
}

bool segment_writer_end(struct segment_writer *w,
                        const struct journal_numbers *numbers)
{
    uint8_t head[JOURNAL_SEGMENT_HEADER], seal[JOURNAL_SEAL];
    uint64_t index = w->at;
    segment_writer_add_numbers(w, numbers);
    segment_writer_commit(w, JOURNAL_BATCH_INDEX);
    uint64_t bytes = w->at + JOURNAL_SEAL + FILE_UNIT - 1;
    w->segment.file_bytes = bytes - bytes % FILE_UNIT;
    journal_put_segment(head, &w->segment);
    journal_put_seal(seal, w->seed, w->segment.id, index);
    write_at(w, seal, sizeof seal, w->segment.file_bytes - sizeof seal);
    write_at(w, head, sizeof head, 0);
    int error = errno;
    free(w->buffer);
    w->buffer = NULL;
    errno = error;
    return !w->has_failed && fsync(w->fd) == 0;
}
