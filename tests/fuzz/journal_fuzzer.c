/* SPDX-License-Identifier: MIT
 *
 * Any bytes are a batch, a record or a segment, or are refused. Entries of a
 * record that is sound can be walked without leaving it, and a batch made of
 * any payloads verifies until one bit of it changes.
 *
 *     input   type, flags, form, count (u32), bit to change (u16), payload
 */
#include "proto/journal.h"

#include "proto/crc32c.h"
#include "tests/fuzz/fuzz.h"

enum { SEED = 77 };

/* Every reader, at bytes that no writer made. */
static void read_anything(const uint8_t *bytes, size_t n)
{
    struct journal_segment segment;
    struct journal_batch batch;
    struct journal_record record;
    uint64_t index;
    uint8_t *copy = fuzz_copy(bytes, n);
    if (journal_get_segment(&segment, copy, n) == JOURNAL_SOUND)
        FUZZ_CHECK(segment.id > 0);
    (void)journal_get_record(&record, SEED, copy, n);
    if (n >= JOURNAL_SEAL)
        (void)journal_get_seal(&index, SEED, 1, copy);
    if (journal_verify(&batch, SEED, copy, n) == JOURNAL_SOUND)
        FUZZ_CHECK(batch.bytes <= n);
    free(copy);
}

static void walk_messages(const struct journal_record *record,
                          const uint8_t *payload)
{
    uint64_t left = record->bytes;
    for (uint32_t i = 0; i < record->count; i++) {
        uint64_t bytes = journal_message_bytes((enum journal_form)record->form,
                                               payload, left);
        FUZZ_CHECK(bytes > 0 && bytes <= left);
        payload += bytes;
        left -= bytes;
    }
    FUZZ_CHECK(left == 0);
}

static void walk_channels(const struct journal_record *record,
                          const uint8_t *payload)
{
    const uint8_t *end = payload + record->bytes;
    for (uint32_t i = 0; i < record->count; i++) {
        union journal_entry any;
        const uint8_t *next = journal_get(JOURNAL_CHANNEL, &any, payload);
        const struct journal_channel c = any.channel;
        const uint8_t *done = c.done;
        FUZZ_CHECK(next <= end && done <= next);
        uint64_t below = c.floor;
        for (uint32_t k = 0; k < c.ranges; k++) {
            done = journal_get(JOURNAL_ACKS, &any, done);
            const struct journal_range r = any.range;
            FUZZ_CHECK(r.first > below && r.count > 0);
            below = r.first + r.count;
        }
        FUZZ_CHECK(c.ranges == 0 || below <= c.next);
        payload = next;
    }
    FUZZ_CHECK(payload == end);
}

static void check_record(const struct journal_record *record,
                         const uint8_t *payload)
{
    uint8_t *copy = fuzz_copy(payload, record->bytes);
    if (journal_check(record, copy) == JOURNAL_SOUND) {
        if (record->type == JOURNAL_MESSAGES)
            walk_messages(record, copy);
        if (record->type == JOURNAL_CHANNEL)
            walk_channels(record, copy);
    }
    free(copy);
}

/* A batch of one record, before and after a change of one bit. */
static void check_batch(struct journal_record *record, const uint8_t *payload,
                        size_t bit)
{
    size_t padded = (size_t)journal_padded(record->bytes);
    size_t n = JOURNAL_BATCH_HEADER + JOURNAL_RECORD_HEADER + padded +
               JOURNAL_BATCH_TRAILER;
    uint8_t *bytes = calloc(1, n);
    FUZZ_CHECK(bytes);
    struct journal_batch batch = {.records = 1, .bytes = n, .number = 1}, got;
    record->checksum = crc32c(SEED, payload, record->bytes);
    journal_put_batch(bytes, SEED, &batch);
    uint8_t *at = bytes + JOURNAL_BATCH_HEADER;
    journal_put_record(at, SEED, record);
    uint32_t headers = crc32c(SEED, at, JOURNAL_RECORD_HEADER);
    if (record->bytes > 0)
        memcpy(at + JOURNAL_RECORD_HEADER, payload, record->bytes);
    journal_put_trailer(at + JOURNAL_RECORD_HEADER + padded, headers, 1);
    enum journal_fault fault = journal_verify(&got, SEED, bytes, n);
    FUZZ_CHECK(fault == JOURNAL_SOUND || fault == JOURNAL_NEWER);
    bit %= 8 * n;
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    FUZZ_CHECK(journal_verify(&got, SEED, bytes, n) != JOURNAL_SOUND);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    read_anything(bytes, n);
    struct script s = {bytes, n};
    struct journal_record record = {.channel = 1, .first = 1};
    record.type = script_byte(&s);
    record.flags = script_byte(&s);
    record.form = script_byte(&s);
    for (int i = 0; i < 4; i++)
        record.count = record.count << 8 | script_byte(&s);
    size_t bit = script_byte(&s);
    bit = bit << 8 | script_byte(&s);
    record.bytes = (uint32_t)s.left;
    check_record(&record, s.bytes);
    check_batch(&record, s.bytes, bit);
    return 0;
}
