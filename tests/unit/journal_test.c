/* SPDX-License-Identifier: MIT
 *
 * What is written is read back; what is changed, cut, or another segment's is
 * found, wherever the change is. tests/journal compares the bytes with those
 * of an encoder in another language.
 */
#include "proto/journal.h"

#include <stdlib.h>
#include <string.h>

#include "proto/crc32c.h"
#include "proto/little.h"
#include "tests/unit/unit.h"

enum { SEED = 0x5eed, ROOM = 1024 };

static const struct journal_segment a_segment = {
    .id = 0x0123456789abcdef,
    .uuid = "0123456789abcde",
    .first_batch = 77,
    .file_bytes = 1 << 20,
    .salt = 0xfeedface,
};

static void test_a_segment_header_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[JOURNAL_SEGMENT_HEADER];
    struct journal_segment got;
    journal_put_segment(bytes, &a_segment);
    assert_memory_equal(bytes, "SLUICEJ\n\1\0\1\0\100\0\0\0\xef\xcd", 18);
    assert_int_equal(journal_get_segment(&got, bytes, sizeof bytes),
                     JOURNAL_SOUND);
    assert_int_equal(got.id, a_segment.id);
    assert_memory_equal(got.uuid, a_segment.uuid, JOURNAL_UUID);
    assert_int_equal(got.first_batch, 77);
    assert_int_equal(got.file_bytes, 1 << 20);
    assert_int_equal(got.header_bytes, JOURNAL_SEGMENT_HEADER);
    assert_int_equal(journal_seed(&got), journal_seed(&a_segment));
}

/* A header with one field replaced, and its checksum made right again. */
static enum journal_fault segment_with(size_t at, uint64_t value, size_t size)
{
    uint8_t bytes[JOURNAL_SEGMENT_HEADER];
    struct journal_segment got;
    journal_put_segment(bytes, &a_segment);
    memcpy(bytes + at, &value, size);
    little_put_32(bytes + 60, crc32c(0, bytes, 60));
    return journal_get_segment(&got, bytes, sizeof bytes);
}

static void test_a_segment_that_needs_a_newer_reader_is_refused(void **state)
{
    (void)state;
    assert_int_equal(segment_with(8, 2, 2), JOURNAL_SOUND);
    assert_int_equal(segment_with(10, 2, 2), JOURNAL_NEWER);
    assert_int_equal(segment_with(12, 72, 4), JOURNAL_SOUND);
    assert_int_equal(segment_with(12, 56, 4), JOURNAL_MALFORMED);
    assert_int_equal(segment_with(12, 65, 4), JOURNAL_MALFORMED);
    assert_int_equal(segment_with(16, 0, 8), JOURNAL_MALFORMED);
    assert_int_equal(segment_with(0, 0, 1), JOURNAL_FOREIGN);
}

static void test_the_seed_differs_by_store_segment_and_salt(void **state)
{
    (void)state;
    uint32_t seed = journal_seed(&a_segment);
    struct journal_segment other = a_segment;
    other.id++;
    assert_int_not_equal(journal_seed(&other), seed);
    other = a_segment;
    other.uuid[0]++;
    assert_int_not_equal(journal_seed(&other), seed);
    other = a_segment;
    other.salt++;
    assert_int_not_equal(journal_seed(&other), seed);
    other = a_segment;
    other.file_bytes++;
    assert_int_equal(journal_seed(&other), seed);
}

/* A record with `text` as its payload, behind *end. */
static void put_record(uint8_t **end, uint32_t *headers, uint8_t type,
                       const char *text)
{
    size_t n = strlen(text), padded = (size_t)journal_padded(n);
    struct journal_record record = {
        .bytes = (uint32_t)n,
        .type = type,
        .channel = 3,
        .count = 1,
        .first = 99,
        .checksum = crc32c(SEED, text, n),
    };
    journal_put_record(*end, SEED, &record);
    *headers = crc32c(*headers, *end, JOURNAL_RECORD_HEADER);
    memset(*end + JOURNAL_RECORD_HEADER, 0, padded);
    memcpy(*end + JOURNAL_RECORD_HEADER, text, n);
    *end += JOURNAL_RECORD_HEADER + padded;
}

/* A batch of three records; returns its bytes. */
static size_t put_batch(uint8_t *bytes)
{
    uint8_t *end = bytes + JOURNAL_BATCH_HEADER;
    uint32_t headers = SEED;
    put_record(&end, &headers, JOURNAL_MESSAGES, "eleven text");
    put_record(&end, &headers, JOURNAL_DROP, "");
    put_record(&end, &headers, 200, "eight by");
    struct journal_batch batch = {
        .records = 3,
        .bytes = (uint64_t)(end - bytes) + JOURNAL_BATCH_TRAILER,
        .number = 41,
        .at_ms = 1700000000123,
    };
    journal_put_batch(bytes, SEED, &batch);
    journal_put_trailer(end, headers, batch.number);
    return (size_t)batch.bytes;
}

/* In memory of its exact size, where the sanitizer sees a read beyond it. */
static enum journal_fault verify_copy(const uint8_t *bytes, size_t n)
{
    struct journal_batch batch;
    uint8_t *copy = malloc(n + (n == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    enum journal_fault fault = journal_verify(&batch, SEED, copy, n);
    free(copy);
    return fault;
}

static void test_a_batch_comes_back_record_by_record(void **state)
{
    (void)state;
    uint8_t bytes[ROOM];
    size_t n = put_batch(bytes);
    struct journal_batch batch;
    struct journal_record record;
    const uint8_t *payload;
    assert_int_equal(journal_verify(&batch, SEED, bytes, ROOM), JOURNAL_SOUND);
    assert_int_equal(batch.bytes, n);
    assert_int_equal(batch.number, 41);
    assert_int_equal(batch.at_ms, 1700000000123);
    struct journal_walk walk = journal_walk(bytes);
    assert_true(journal_walk_next(&walk, &record, &payload));
    assert_int_equal(record.type, JOURNAL_MESSAGES);
    assert_int_equal(record.channel, 3);
    assert_int_equal(record.first, 99);
    assert_int_equal(record.bytes, 11);
    assert_memory_equal(payload, "eleven text", 11);
    assert_true(journal_walk_next(&walk, &record, &payload));
    assert_int_equal(record.type, JOURNAL_DROP);
    assert_true(journal_walk_next(&walk, &record, &payload));
    assert_int_equal(record.type, 200);
    assert_memory_equal(payload, "eight by", 8);
    assert_false(journal_walk_next(&walk, &record, &payload));
}

static void test_every_flipped_bit_of_a_batch_is_found(void **state)
{
    (void)state;
    uint8_t bytes[ROOM];
    size_t n = put_batch(bytes);
    assert_int_equal(verify_copy(bytes, n), JOURNAL_SOUND);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(verify_copy(bytes, n), JOURNAL_SOUND);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void test_a_batch_cut_at_any_byte_is_short(void **state)
{
    (void)state;
    uint8_t bytes[ROOM];
    size_t n = put_batch(bytes);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(verify_copy(bytes, cut), JOURNAL_SHORT);
}

static void test_a_batch_of_another_segment_never_verifies(void **state)
{
    (void)state;
    uint8_t bytes[ROOM];
    struct journal_batch batch;
    size_t n = put_batch(bytes);
    assert_int_equal(journal_verify(&batch, SEED + 1, bytes, n),
                     JOURNAL_CHECKSUM);
}

/* The header of the batch with a field replaced, its checksum right again. */
static enum journal_fault batch_with(size_t at, uint64_t value, size_t size)
{
    uint8_t bytes[ROOM];
    put_batch(bytes);
    memcpy(bytes + at, &value, size);
    little_put_32(bytes + 36, crc32c(SEED, bytes, 36));
    return verify_copy(bytes, ROOM);
}

static void test_impossible_lengths_and_unknown_flags_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[ROOM];
    uint64_t n = put_batch(bytes);
    assert_int_equal(batch_with(8, n, 8), JOURNAL_SOUND);
    assert_int_equal(batch_with(8, n + 8, 8), JOURNAL_MALFORMED);
    assert_int_equal(batch_with(8, n - 8, 8), JOURNAL_MALFORMED);
    assert_int_equal(batch_with(8, n + 1, 8), JOURNAL_MALFORMED);
    assert_int_equal(batch_with(8, UINT64_MAX - 7, 8), JOURNAL_MALFORMED);
    assert_int_equal(batch_with(4, 0, 4), JOURNAL_MALFORMED);
    assert_int_equal(batch_with(4, 2, 4), JOURNAL_MALFORMED);
    assert_int_equal(batch_with(4, UINT32_MAX, 4), JOURNAL_MALFORMED);
    assert_int_equal(batch_with(32, 8, 4), JOURNAL_NEWER);
}

static void test_an_unknown_record_is_refused_only_if_critical(void **state)
{
    (void)state;
    uint8_t bytes[JOURNAL_RECORD_HEADER];
    struct journal_record record = {.type = 17}, got;
    journal_put_record(bytes, SEED, &record);
    assert_int_equal(journal_get_record(&got, SEED, bytes, sizeof bytes),
                     JOURNAL_SOUND);
    record.flags = JOURNAL_RECORD_CRITICAL;
    journal_put_record(bytes, SEED, &record);
    assert_int_equal(journal_get_record(&got, SEED, bytes, sizeof bytes),
                     JOURNAL_NEWER);
    record.type = JOURNAL_ACKS;
    journal_put_record(bytes, SEED, &record);
    assert_int_equal(journal_get_record(&got, SEED, bytes, sizeof bytes),
                     JOURNAL_SOUND);
}

static void test_a_page_is_filled_only_when_a_quarter_pays_for_it(void **state)
{
    (void)state;
    struct journal_batch batch = {.bytes = 3280};
    journal_batch_fill_page(&batch, 0);
    assert_int_equal(batch.flags, JOURNAL_BATCH_PAGE);
    assert_int_equal(journal_batch_end(&batch, 0), JOURNAL_PAGE);
    assert_int_equal(journal_batch_end(&batch, 816), JOURNAL_PAGE);
    batch = (struct journal_batch){.bytes = 3272};
    journal_batch_fill_page(&batch, 0);
    assert_int_equal(batch.flags, 0);
    assert_int_equal(journal_batch_end(&batch, 64), 3336);
}

static void test_a_seal_belongs_to_one_segment(void **state)
{
    (void)state;
    uint8_t bytes[JOURNAL_SEAL];
    uint64_t index;
    journal_put_seal(bytes, SEED, 9, 4096);
    assert_true(journal_get_seal(&index, SEED, 9, bytes));
    assert_int_equal(index, 4096);
    assert_false(journal_get_seal(&index, SEED, 8, bytes));
    assert_false(journal_get_seal(&index, SEED + 1, 9, bytes));
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 1;
        assert_false(journal_get_seal(&index, SEED, 9, bytes));
        bytes[i] ^= 1;
    }
    memset(bytes, 0, sizeof bytes);
    assert_false(journal_get_seal(&index, SEED, 9, bytes));
    assert_string_equal(journal_fault_text(JOURNAL_FOREIGN),
                        "not part of a journal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_segment_header_comes_back),
        cmocka_unit_test(test_a_segment_that_needs_a_newer_reader_is_refused),
        cmocka_unit_test(test_the_seed_differs_by_store_segment_and_salt),
        cmocka_unit_test(test_a_batch_comes_back_record_by_record),
        cmocka_unit_test(test_every_flipped_bit_of_a_batch_is_found),
        cmocka_unit_test(test_a_batch_cut_at_any_byte_is_short),
        cmocka_unit_test(test_a_batch_of_another_segment_never_verifies),
        cmocka_unit_test(test_impossible_lengths_and_unknown_flags_are_refused),
        cmocka_unit_test(test_an_unknown_record_is_refused_only_if_critical),
        cmocka_unit_test(test_a_page_is_filled_only_when_a_quarter_pays_for_it),
        cmocka_unit_test(test_a_seal_belongs_to_one_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
