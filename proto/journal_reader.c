/* SPDX-License-Identifier: MIT */
#include "proto/journal_reader.h"

#include <stddef.h>

#include "proto/crc32c.h"

/* NULL also when they are not all below the limit. */
static const uint8_t *reader_get(const struct journal_reader *r, uint64_t at,
                                 uint64_t length)
{
    bool is_inside = at <= r->limit && length <= r->limit - at;
    return is_inside ? r->get(r->source, at, length) : NULL;
}

static enum journal_fault read_head(const struct journal_reader *r, uint64_t at,
                                    struct journal_batch *batch)
{
    const uint8_t *p = reader_get(r, at, JOURNAL_BATCH_HEADER);
    return journal_get_batch(batch, r->seed, p, p ? JOURNAL_BATCH_HEADER : 0);
}

enum journal_fault journal_read_batch(const struct journal_reader *r,
                                      uint64_t at, struct journal_batch *batch,
                                      const uint8_t **bytes)
{
    enum journal_fault fault = read_head(r, at, batch);
    if (fault)
        return fault;
    *bytes = reader_get(r, at, batch->bytes);
    return journal_verify(batch, r->seed, *bytes,
                          *bytes ? (size_t)batch->bytes : 0);
}

uint64_t journal_find_batch(const struct journal_reader *r, uint64_t at,
                            struct journal_batch *batch)
{
    for (; at < r->limit; at += JOURNAL_ALIGNMENT)
        if (!read_head(r, at, batch))
            return at;
    return r->limit;
}

enum journal_fault journal_read_record(const struct journal_reader *r,
                                       uint64_t at,
                                       struct journal_record *record,
                                       const uint8_t **payload)
{
    const uint8_t *p = reader_get(r, at, JOURNAL_RECORD_HEADER);
    enum journal_fault fault =
        journal_get_record(record, r->seed, p, p ? JOURNAL_RECORD_HEADER : 0);
    if (fault || !payload)
        return fault;
    *payload = reader_get(r, at + JOURNAL_RECORD_HEADER, record->bytes);
    if (!*payload)
        return JOURNAL_SHORT;
    if (crc32c(r->seed, *payload, record->bytes) != record->checksum)
        return JOURNAL_CHECKSUM;
    return journal_check(record, *payload);
}

bool journal_read_seal(const struct journal_reader *r, uint64_t id,
                       uint64_t file_bytes, uint64_t *index)
{
    const uint8_t *p = NULL;
    if (file_bytes >= JOURNAL_SEAL)
        p = reader_get(r, file_bytes - JOURNAL_SEAL, JOURNAL_SEAL);
    return p && journal_get_seal(index, r->seed, id, p);
}
