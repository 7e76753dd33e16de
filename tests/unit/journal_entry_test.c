/* SPDX-License-Identifier: MIT
 *
 * Entries come back as they were put, and a record that no writer makes is
 * refused as a whole, so that readers of single entries need no checks.
 */
#include "proto/journal_entry.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static enum journal_fault check(struct journal_record record,
                                const void *payload, size_t n)
{
    uint8_t *copy = malloc(n + (n == 0));
    assert_non_null(copy);
    memcpy(copy, payload, n);
    record.bytes = (uint32_t)n;
    enum journal_fault fault = journal_check(&record, copy);
    free(copy);
    return fault;
}

#define ASSERT_SOUND(...) assert_int_equal(check(__VA_ARGS__), JOURNAL_SOUND)
#define ASSERT_REFUSED(...)                                                    \
    assert_int_equal(check(__VA_ARGS__), JOURNAL_MALFORMED)

static void test_messages_fill_their_record_exactly(void **state)
{
    (void)state;
    static const char two[] = "\0\0\0\2hi\0\0\0\0", *one = two;
    struct journal_record r = {.type = JOURNAL_MESSAGES,
                               .form = JOURNAL_FORM_PLAIN,
                               .channel = 1,
                               .first = 5,
                               .count = 2};
    ASSERT_SOUND(r, two, 10);
    ASSERT_REFUSED(r, two, 9);
    ASSERT_REFUSED(r, two, 6);
    ASSERT_REFUSED(r, two, 0);
    r.count = 1;
    ASSERT_SOUND(r, one, 6);
    ASSERT_REFUSED(r, two, 10);
    r.form = JOURNAL_FORM_RICH; /* headers "hi", an empty body */
    ASSERT_SOUND(r, two, 10);
    ASSERT_REFUSED(r, one, 6);
    r.form = 3;
    ASSERT_REFUSED(r, two, 10);
    r.form = JOURNAL_FORM_RICH;
    r.channel = 0;
    ASSERT_REFUSED(r, two, 10);
    r.channel = 1;
    r.first = 0;
    ASSERT_REFUSED(r, two, 10);
    r.first = INT64_MAX;
    ASSERT_REFUSED(r, two, 10);
}

static void test_a_length_beyond_the_record_is_no_message(void **state)
{
    (void)state;
    static const uint8_t claim[] = {0xff, 0xff, 0xff, 0xff, 'x'};
    assert_int_equal(journal_message_bytes(JOURNAL_FORM_PLAIN, claim, 5), 0);
    assert_int_equal(journal_message_bytes(JOURNAL_FORM_PLAIN, claim, 3), 0);
    assert_int_equal(journal_message_bytes(JOURNAL_FORM_PLAIN, claim,
                                           UINT32_MAX + UINT64_C(4)),
                     UINT32_MAX + UINT64_C(4));
}

/* ACKS of two ranges. */
static enum journal_fault check_two(uint64_t a, uint32_t a_count, uint64_t b,
                                    uint32_t b_count)
{
    uint8_t bytes[2 * JOURNAL_RANGE];
    struct journal_record r = {.type = JOURNAL_ACKS, .channel = 1, .count = 2};
    journal_put_range(bytes, &(struct journal_range){a, a_count});
    journal_put_range(bytes + JOURNAL_RANGE,
                      &(struct journal_range){b, b_count});
    struct journal_range got = journal_get_range(bytes);
    assert_int_equal(got.first, a);
    assert_int_equal(got.count, a_count);
    return check(r, bytes, sizeof bytes);
}

static void test_acknowledged_ranges_rise_and_do_not_touch(void **state)
{
    (void)state;
    assert_int_equal(check_two(1, 2, 4, 1), JOURNAL_SOUND);
    assert_int_equal(check_two(1, 2, 3, 1), JOURNAL_MALFORMED);
    assert_int_equal(check_two(1, 2, 2, 1), JOURNAL_MALFORMED);
    assert_int_equal(check_two(4, 1, 1, 1), JOURNAL_MALFORMED);
    assert_int_equal(check_two(1, 0, 4, 1), JOURNAL_MALFORMED);
    assert_int_equal(check_two(1, 2, INT64_MAX, 1), JOURNAL_MALFORMED);
    assert_int_equal(check_two(1, 2, UINT64_MAX, 1), JOURNAL_MALFORMED);
}

static const struct journal_channel jobs = {
    .next = 40,
    .floor = 10,
    .id = 3,
    .ranges = 2,
    .kind = JOURNAL_QUEUE,
    .name_bytes = 11,
    .name = (const uint8_t *)"/queue/jobs",
};

/* An entry with the ranges 12..13 and 20..29; returns its bytes. */
static size_t put_jobs(uint8_t *bytes)
{
    uint8_t *ranges = journal_put_channel(bytes, &jobs);
    journal_put_range(ranges, &(struct journal_range){12, 2});
    journal_put_range(ranges + JOURNAL_RANGE, &(struct journal_range){20, 10});
    return journal_channel_bytes(&jobs);
}

static void test_channels_come_back_one_after_the_other(void **state)
{
    (void)state;
    uint8_t bytes[256];
    struct journal_channel c;
    size_t n = put_jobs(bytes);
    assert_int_equal(n, 32 + 16 + 32);
    memcpy(bytes + n, bytes, n);
    struct journal_record r = {.type = JOURNAL_CHANNEL, .count = 2};
    ASSERT_SOUND(r, bytes, 2 * n);
    const uint8_t *second = journal_get_channel(&c, bytes);
    assert_ptr_equal(second, bytes + n);
    assert_int_equal(c.next, 40);
    assert_int_equal(c.floor, 10);
    assert_int_equal(c.id, 3);
    assert_int_equal(c.kind, JOURNAL_QUEUE);
    assert_int_equal(c.name_bytes, 11);
    assert_memory_equal(c.name, "/queue/jobs", 11);
    assert_int_equal(journal_get_range(c.range_entries).first, 12);
    for (size_t cut = 0; cut < 2 * n; cut++)
        ASSERT_REFUSED(r, bytes, cut);
}

static void test_an_impossible_channel_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {
        {0, 29},  /* next within the last range */
        {0, 9},   /* next below the floor */
        {8, 12},  /* the floor is done */
        {16, 0},  /* no id */
        {24, 0},  /* no kind */
        {25, 1},  /* padding */
        {26, 0},  /* no name */
        {28, 1},  /* padding */
        {44, 1},  /* behind the name */
        {60, 1},  /* behind a range */
        {23, 80}, /* very many ranges */
        {7, 0x80},
    };
    struct journal_record r = {.type = JOURNAL_CHANNEL, .count = 1};
    for (size_t i = 0; i < UNIT_COUNT(changes); i++) {
        uint8_t bytes[256];
        size_t n = put_jobs(bytes);
        ASSERT_SOUND(r, bytes, n);
        bytes[changes[i].at] = changes[i].value;
        ASSERT_REFUSED(r, bytes, n);
    }
}

static void test_lists_of_segments_and_of_places_come_back(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct journal_segment_entry s = {7, 100, 5000}, s2 = {8, 200, 6000};
    struct journal_record r = {.type = JOURNAL_SEGMENTS, .count = 2};
    journal_put_segment_entry(bytes, &s);
    journal_put_segment_entry(bytes + JOURNAL_SEGMENT_ENTRY, &s2);
    ASSERT_SOUND(r, bytes, 2 * JOURNAL_SEGMENT_ENTRY);
    ASSERT_REFUSED(r, bytes, JOURNAL_SEGMENT_ENTRY);
    s2 = journal_get_segment_entry(bytes);
    assert_int_equal(s2.id, 7);
    assert_int_equal(s2.last_batch, 100);
    assert_int_equal(s2.end, 5000);
    journal_put_segment_entry(bytes + JOURNAL_SEGMENT_ENTRY, &s);
    ASSERT_REFUSED(r, bytes, 2 * JOURNAL_SEGMENT_ENTRY);
    struct journal_index_entry e = {.first = 9,
                                    .channel = 2,
                                    .count = 3,
                                    .offset = UINT64_C(8) * UINT32_MAX,
                                    .bytes = 77,
                                    .form = JOURNAL_FORM_RICH,
                                    .flags = JOURNAL_RECORD_MOVED,
                                    .checksum = 0xabcdef01};
    r = (struct journal_record){.type = JOURNAL_INDEX, .count = 1};
    journal_put_index_entry(bytes, &e);
    ASSERT_SOUND(r, bytes, JOURNAL_INDEX_ENTRY);
    struct journal_index_entry got = journal_get_index_entry(bytes);
    assert_int_equal(got.first, e.first);
    assert_int_equal(got.channel, e.channel);
    assert_int_equal(got.count, e.count);
    assert_true(got.offset == e.offset);
    assert_int_equal(got.bytes, e.bytes);
    assert_int_equal(got.form, e.form);
    assert_int_equal(got.flags, e.flags);
    assert_int_equal(got.checksum, e.checksum);
    bytes[26] = 1;
    ASSERT_REFUSED(r, bytes, JOURNAL_INDEX_ENTRY);
}

static void test_numbers_free_and_drop_have_their_sizes(void **state)
{
    (void)state;
    uint8_t bytes[32] = {1};
    struct journal_numbers numbers = {500, 12};
    struct journal_record r = {.type = JOURNAL_FREE, .count = 1};
    ASSERT_SOUND(r, bytes, 8);
    ASSERT_REFUSED(r, bytes, 16);
    ASSERT_REFUSED(r, bytes + 8, 8);
    journal_put_numbers(bytes, &numbers);
    r = (struct journal_record){.type = JOURNAL_NUMBERS, .count = 1};
    ASSERT_SOUND(r, bytes, JOURNAL_NUMBERS_ENTRY);
    ASSERT_REFUSED(r, bytes, 8);
    assert_int_equal(journal_get_numbers(bytes).above, 500);
    assert_int_equal(journal_get_numbers(bytes).next_channel, 12);
    r = (struct journal_record){.type = JOURNAL_DROP, .channel = 1};
    ASSERT_SOUND(r, "", 0);
    ASSERT_REFUSED(r, bytes, 8);
    r.channel = 0;
    ASSERT_REFUSED(r, "", 0);
    r.type = 99;
    ASSERT_SOUND(r, bytes, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_fill_their_record_exactly),
        cmocka_unit_test(test_a_length_beyond_the_record_is_no_message),
        cmocka_unit_test(test_acknowledged_ranges_rise_and_do_not_touch),
        cmocka_unit_test(test_channels_come_back_one_after_the_other),
        cmocka_unit_test(test_an_impossible_channel_is_refused),
        cmocka_unit_test(test_lists_of_segments_and_of_places_come_back),
        cmocka_unit_test(test_numbers_free_and_drop_have_their_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
