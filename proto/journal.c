/* SPDX-License-Identifier: MIT */
#include "proto/journal.h"

#include <string.h>

#include "proto/crc32c.h"
#include "proto/little.h"

enum {
    SEGMENT_CHECKED = 60, /* bytes before the checksum */
    BATCH_CHECKED = 36,
    RECORD_CHECKED = 28,
    SEAL_CHECKED = 28,
    MAGIC = 8,      /* bytes, of a segment and of a seal */
    BATCH_MAGIC = 4 /* bytes, of a batch's header and trailer */
};

static const char segment_magic[] = "SLUICEJ\n";
static const char seal_magic[] = "JSEALED\n";
static const char batch_magic[] = "JBAT";
static const char trailer_magic[] = "JEND";

const char *journal_fault_text(enum journal_fault fault)
{
    static const char *const texts[] = {
        [JOURNAL_SOUND] = "sound",
        [JOURNAL_SHORT] = "cut short",
        [JOURNAL_FOREIGN] = "not part of a journal",
        [JOURNAL_CHECKSUM] = "checksum does not match",
        [JOURNAL_NEWER] = "written by a newer version",
        [JOURNAL_MALFORMED] = "impossible values",
    };
    return texts[fault];
}

bool journal_is_zero(const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < length; i++)
        if (p[i] != 0)
            return false;
    return true;
}

void journal_put_segment(uint8_t out[JOURNAL_SEGMENT_HEADER],
                         const struct journal_segment *segment)
{
    memcpy(out, segment_magic, MAGIC);
    little_put_16(out + 8, JOURNAL_VERSION);
    little_put_16(out + 10, JOURNAL_VERSION);
    little_put_32(out + 12, JOURNAL_SEGMENT_HEADER);
    little_put_64(out + 16, segment->id);
    memcpy(out + 24, segment->uuid, JOURNAL_UUID);
    little_put_64(out + 40, segment->first_batch);
    little_put_64(out + 48, segment->file_bytes);
    little_put_32(out + 56, segment->salt);
    little_put_32(out + 60, crc32c(0, out, SEGMENT_CHECKED));
}

enum journal_fault journal_get_segment(struct journal_segment *segment,
                                       const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    if (length < JOURNAL_SEGMENT_HEADER)
        return JOURNAL_SHORT;
    if (memcmp(p, segment_magic, MAGIC) != 0)
        return JOURNAL_FOREIGN;
    if (crc32c(0, p, SEGMENT_CHECKED) != little_get_32(p + 60))
        return JOURNAL_CHECKSUM;
    if (little_get_16(p + 10) > JOURNAL_VERSION)
        return JOURNAL_NEWER;
    segment->header_bytes = little_get_32(p + 12);
    segment->id = little_get_64(p + 16);
    memcpy(segment->uuid, p + 24, JOURNAL_UUID);
    segment->first_batch = little_get_64(p + 40);
    segment->file_bytes = little_get_64(p + 48);
    segment->salt = little_get_32(p + 56);
    bool is_possible = segment->id > 0 &&
                       segment->header_bytes >= JOURNAL_SEGMENT_HEADER &&
                       segment->header_bytes % JOURNAL_ALIGNMENT == 0 &&
                       segment->header_bytes <= segment->file_bytes;
    return is_possible ? JOURNAL_SOUND : JOURNAL_MALFORMED;
}

uint32_t journal_seed(const struct journal_segment *segment)
{
    uint8_t bytes[JOURNAL_UUID + 8 + 4];
    memcpy(bytes, segment->uuid, JOURNAL_UUID);
    little_put_64(bytes + JOURNAL_UUID, segment->id);
    little_put_32(bytes + JOURNAL_UUID + 8, segment->salt);
    return crc32c(0, bytes, sizeof bytes);
}

void journal_put_batch(uint8_t out[JOURNAL_BATCH_HEADER], uint32_t seed,
                       const struct journal_batch *batch)
{
    memcpy(out, batch_magic, BATCH_MAGIC);
    little_put_32(out + 4, batch->records);
    little_put_64(out + 8, batch->bytes);
    little_put_64(out + 16, batch->number);
    little_put_64(out + 24, batch->at_ms);
    little_put_32(out + 32, batch->flags);
    little_put_32(out + 36, crc32c(seed, out, BATCH_CHECKED));
}

static bool batch_is_possible(const struct journal_batch *batch)
{
    uint64_t least = JOURNAL_BATCH_HEADER + JOURNAL_BATCH_TRAILER +
                     (uint64_t)batch->records * JOURNAL_RECORD_HEADER;
    return batch->records > 0 && batch->bytes >= least &&
           batch->bytes % JOURNAL_ALIGNMENT == 0 && batch->bytes <= INT64_MAX;
}

enum journal_fault journal_get_batch(struct journal_batch *batch, uint32_t seed,
                                     const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    if (length < JOURNAL_BATCH_HEADER)
        return JOURNAL_SHORT;
    if (memcmp(p, batch_magic, BATCH_MAGIC) != 0)
        return JOURNAL_FOREIGN;
    if (crc32c(seed, p, BATCH_CHECKED) != little_get_32(p + 36))
        return JOURNAL_CHECKSUM;
    batch->records = little_get_32(p + 4);
    batch->bytes = little_get_64(p + 8);
    batch->number = little_get_64(p + 16);
    batch->at_ms = little_get_64(p + 24);
    batch->flags = little_get_32(p + 32);
    if (batch->flags & ~(uint32_t)JOURNAL_BATCH_FLAGS)
        return JOURNAL_NEWER;
    return batch_is_possible(batch) ? JOURNAL_SOUND : JOURNAL_MALFORMED;
}

/* Zeros from `end` to the next page. */
static uint64_t page_rest(uint64_t end)
{
    return (JOURNAL_PAGE - end % JOURNAL_PAGE) % JOURNAL_PAGE;
}

uint64_t journal_batch_end(const struct journal_batch *batch, uint64_t offset)
{
    uint64_t end = offset + batch->bytes;
    return batch->flags & JOURNAL_BATCH_PAGE ? end + page_rest(end) : end;
}

void journal_batch_fill_page(struct journal_batch *batch, uint64_t offset)
{
    if (page_rest(offset + batch->bytes) <= batch->bytes / 4)
        batch->flags |= JOURNAL_BATCH_PAGE;
}

void journal_put_trailer(uint8_t out[JOURNAL_BATCH_TRAILER], uint32_t checksum,
                         uint64_t number)
{
    memcpy(out, trailer_magic, BATCH_MAGIC);
    little_put_32(out + 4, checksum);
    little_put_64(out + 8, number);
}

enum journal_fault journal_get_trailer(const void *bytes, size_t length,
                                       uint32_t checksum, uint64_t number)
{
    const uint8_t *p = bytes;
    if (length < JOURNAL_BATCH_TRAILER)
        return JOURNAL_SHORT;
    if (memcmp(p, trailer_magic, BATCH_MAGIC) != 0)
        return JOURNAL_FOREIGN;
    bool is_its_own =
        little_get_32(p + 4) == checksum && little_get_64(p + 8) == number;
    return is_its_own ? JOURNAL_SOUND : JOURNAL_CHECKSUM;
}

void journal_put_record(uint8_t out[JOURNAL_RECORD_HEADER], uint32_t seed,
                        const struct journal_record *record)
{
    little_put_32(out, record->bytes);
    out[4] = record->type;
    out[5] = record->flags;
    out[6] = record->form;
    out[7] = 0;
    little_put_32(out + 8, record->channel);
    little_put_32(out + 12, record->count);
    little_put_64(out + 16, record->first);
    little_put_32(out + 24, record->checksum);
    little_put_32(out + 28, crc32c(seed, out, RECORD_CHECKED));
}

static void record_load(struct journal_record *record, const uint8_t *p)
{
    record->bytes = little_get_32(p);
    record->type = p[4];
    record->flags = p[5];
    record->form = p[6];
    record->channel = little_get_32(p + 8);
    record->count = little_get_32(p + 12);
    record->first = little_get_64(p + 16);
    record->checksum = little_get_32(p + 24);
}

enum journal_fault journal_get_record(struct journal_record *record,
                                      uint32_t seed, const void *bytes,
                                      size_t length)
{
    const uint8_t *p = bytes;
    if (length < JOURNAL_RECORD_HEADER)
        return JOURNAL_SHORT;
    if (crc32c(seed, p, RECORD_CHECKED) != little_get_32(p + 28))
        return JOURNAL_CHECKSUM;
    record_load(record, p);
    bool is_known = record->type > 0 && record->type < JOURNAL_TYPES;
    if (!is_known && record->flags & JOURNAL_RECORD_CRITICAL)
        return JOURNAL_NEWER;
    return p[7] == 0 ? JOURNAL_SOUND : JOURNAL_MALFORMED;
}

/* One record at *at, which moves behind it. */
static enum journal_fault verify_record(const uint8_t **at, const uint8_t *end,
                                        uint32_t seed, uint32_t *headers)
{
    struct journal_record record;
    size_t left = (size_t)(end - *at);
    enum journal_fault fault = journal_get_record(&record, seed, *at, left);
    if (fault)
        return fault == JOURNAL_SHORT ? JOURNAL_MALFORMED : fault;
    *headers = crc32c(*headers, *at, JOURNAL_RECORD_HEADER);
    const uint8_t *payload = *at + JOURNAL_RECORD_HEADER;
    left -= JOURNAL_RECORD_HEADER;
    uint64_t padded = journal_padded(record.bytes);
    if (padded > left)
        return JOURNAL_MALFORMED;
    if (crc32c(seed, payload, record.bytes) != record.checksum)
        return JOURNAL_CHECKSUM;
    if (!journal_is_zero(payload + record.bytes,
                         (size_t)(padded - record.bytes)))
        return JOURNAL_MALFORMED;
    *at = payload + padded;
    return JOURNAL_SOUND;
}

enum journal_fault journal_verify(struct journal_batch *batch, uint32_t seed,
                                  const void *bytes, size_t length)
{
    enum journal_fault fault = journal_get_batch(batch, seed, bytes, length);
    if (fault)
        return fault;
    if (batch->bytes > length)
        return JOURNAL_SHORT;
    const uint8_t *at = (const uint8_t *)bytes + JOURNAL_BATCH_HEADER;
    const uint8_t *end =
        (const uint8_t *)bytes + batch->bytes - JOURNAL_BATCH_TRAILER;
    uint32_t headers = seed;
    for (uint32_t i = 0; i < batch->records; i++) {
        fault = verify_record(&at, end, seed, &headers);
        if (fault)
            return fault;
    }
    if (at != end)
        return JOURNAL_MALFORMED;
    return journal_get_trailer(end, JOURNAL_BATCH_TRAILER, headers,
                               batch->number);
}

struct journal_walk journal_walk(const void *bytes)
{
    const uint8_t *p = bytes;
    return (struct journal_walk){p + JOURNAL_BATCH_HEADER,
                                 little_get_32(p + 4)};
}

bool journal_walk_next(struct journal_walk *walk, struct journal_record *record,
                       const uint8_t **payload)
{
    if (walk->left == 0)
        return false;
    walk->left--;
    record_load(record, walk->at);
    *payload = walk->at + JOURNAL_RECORD_HEADER;
    walk->at = *payload + journal_padded(record->bytes);
    return true;
}

void journal_put_seal(uint8_t out[JOURNAL_SEAL], uint32_t seed, uint64_t id,
                      uint64_t index)
{
    memcpy(out, seal_magic, MAGIC);
    little_put_64(out + 8, id);
    little_put_64(out + 16, index);
    little_put_32(out + 24, 0);
    little_put_32(out + 28, crc32c(seed, out, SEAL_CHECKED));
}

enum journal_fault journal_get_seal(uint64_t *index, uint32_t seed, uint64_t id,
                                    const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    if (length < JOURNAL_SEAL)
        return JOURNAL_SHORT;
    if (memcmp(p, seal_magic, MAGIC) != 0)
        return JOURNAL_FOREIGN;
    if (crc32c(seed, p, SEAL_CHECKED) != little_get_32(p + 28))
        return JOURNAL_CHECKSUM;
    if (little_get_64(p + 8) != id || little_get_32(p + 24) != 0)
        return JOURNAL_MALFORMED;
    *index = little_get_64(p + 16);
    return JOURNAL_SOUND;
}
