/* SPDX-License-Identifier: MIT
 *
 * The files of version 1, as an encoder in another language wrote them
 * (tests/journal/format.py), are read as what they are. They stay as they are
 * for as long as version 1 is read.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/journal.h"
#include "tests/unit/unit.h"

enum { FILE_BYTES = 16384, LINE = 80 };

static void load(uint8_t bytes[FILE_BYTES], const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", SLUICE_FIXTURES, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, FILE_BYTES, file), FILE_BYTES);
    (void)fclose(file);
}

/* Whether the batch at `offset` is the next line of `expected`, one line for
 * each batch: its number, flags, and type:count:first:bytes of each record. */
static void check_batch(const uint8_t *bytes, const struct journal_batch *batch,
                        const char *expected)
{
    char line[LINE * 4];
    struct journal_record record;
    const uint8_t *payload;
    int n =
        snprintf(line, sizeof line, "%d/%u", (int)batch->number, batch->flags);
    struct journal_walk walk = journal_walk(bytes);
    while (journal_walk_next(&walk, &record, &payload)) {
        assert_int_equal(journal_check(&record, payload), JOURNAL_SOUND);
        n += snprintf(line + n, sizeof line - (size_t)n, " %d:%u:%d:%u",
                      record.type, record.count, (int)record.first,
                      record.bytes);
    }
    assert_string_equal(line, expected);
}

/* Reads batches until one is at fault; returns where that is. */
static uint64_t check_segment(const uint8_t *bytes, uint32_t seed,
                              const char *const *lines, enum journal_fault last)
{
    uint64_t at = JOURNAL_SEGMENT_HEADER;
    struct journal_batch batch;
    for (; *lines; lines++) {
        assert_int_equal(
            journal_verify(&batch, seed, bytes + at, FILE_BYTES - at),
            JOURNAL_SOUND);
        check_batch(bytes + at, &batch, *lines);
        at = journal_batch_end(&batch, at);
    }
    assert_int_equal(journal_verify(&batch, seed, bytes + at, FILE_BYTES - at),
                     last);
    return at;
}

static void test_a_sealed_segment_is_read_to_its_index(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "1/1 9:1:0:16 6:0:0:0", "2/0 3:1:0:48", "3/0 1:3:1:113",
        "4/4 1:1:4:3004",       "5/2 8:2:0:64", NULL};
    uint8_t bytes[FILE_BYTES];
    struct journal_segment segment;
    struct journal_record record;
    uint64_t index;
    load(bytes, "0000000000000001.seg");
    assert_int_equal(journal_get_segment(&segment, bytes, FILE_BYTES),
                     JOURNAL_SOUND);
    assert_int_equal(segment.id, 1);
    uint32_t seed = journal_seed(&segment);
    check_segment(bytes, seed, lines, JOURNAL_FOREIGN);
    assert_true(
        journal_get_seal(&index, seed, 1, bytes + FILE_BYTES - JOURNAL_SEAL));
    const uint8_t *entry =
        bytes + index + JOURNAL_BATCH_HEADER + JOURNAL_RECORD_HEADER;
    for (int i = 0; i < 2; i++) {
        union journal_entry any;
        entry = journal_get(JOURNAL_INDEX, &any, entry);
        const struct journal_index_entry e = any.index;
        uint64_t at = (uint64_t)e.at * JOURNAL_ALIGNMENT;
        assert_int_equal(
            journal_get_record(&record, seed, bytes + at, FILE_BYTES - at),
            JOURNAL_SOUND);
        assert_int_equal(record.first, e.first);
        assert_int_equal(record.count, e.count);
        assert_int_equal(record.bytes, e.bytes);
        assert_int_equal(record.checksum, e.checksum);
        assert_int_equal(record.form, e.form);
        assert_int_equal(record.channel, e.channel);
    }
}

static void test_a_torn_batch_ends_the_newest_segment(void **state)
{
    (void)state;
    static const char *const lines[] = {"6/1 9:1:0:16 6:1:0:24 3:1:0:64",
                                        "7/0 2:2:0:32 1:2:5:10", NULL};
    uint8_t bytes[FILE_BYTES];
    struct journal_segment segment;
    uint64_t index;
    load(bytes, "0000000000000002.seg");
    assert_int_equal(journal_get_segment(&segment, bytes, FILE_BYTES),
                     JOURNAL_SOUND);
    assert_int_equal(segment.first_batch, 6);
    check_segment(bytes, journal_seed(&segment), lines, JOURNAL_CHECKSUM);
    assert_false(journal_get_seal(&index, journal_seed(&segment), 2,
                                  bytes + FILE_BYTES - JOURNAL_SEAL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sealed_segment_is_read_to_its_index),
        cmocka_unit_test(test_a_torn_batch_ends_the_newest_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
