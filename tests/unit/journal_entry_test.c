/* SPDX-License-Identifier: MIT
 *
 * Entries come back as they were put, and a record that no writer makes is
 * refused as a whole, so that readers of single entries need no checks.
 */
#include "proto/journal.h"

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

static uint8_t *put_range(uint8_t *out, uint64_t first, uint32_t count)
{
    const union journal_entry e = {.range = {.first = first, .count = count}};
    return journal_put(JOURNAL_ACKS, out, &e);
}

/* ACKS of two ranges. */
static enum journal_fault check_two(uint64_t a, uint32_t a_count, uint64_t b,
                                    uint32_t b_count)
{
    uint8_t bytes[2 * JOURNAL_RANGE];
    struct journal_record r = {.type = JOURNAL_ACKS, .channel = 1, .count = 2};
    put_range(put_range(bytes, a, a_count), b, b_count);
    union journal_entry got;
    assert_ptr_equal(journal_get(JOURNAL_ACKS, &got, bytes),
                     bytes + JOURNAL_RANGE);
    assert_int_equal(got.range.first, a);
    assert_int_equal(got.range.count, a_count);
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

static const union journal_entry jobs = {
    .channel = {.next = 40,
                .floor = 10,
                .id = 3,
                .ranges = 2,
                .kind = JOURNAL_QUEUE,
                .name_bytes = 11,
                .name = (const uint8_t *)"/queue/jobs"}};

/* An entry with the ranges 12..13 and 20..29; returns its bytes. */
static size_t put_jobs(uint8_t *bytes)
{
    uint8_t *ranges = journal_put(JOURNAL_CHANNEL, bytes, &jobs);
    put_range(put_range(ranges, 12, 2), 20, 10);
    return (size_t)journal_channel_bytes(&jobs.channel);
}

static void test_channels_come_back_one_after_the_other(void **state)
{
    (void)state;
    uint8_t bytes[256];
    union journal_entry got;
    size_t n = put_jobs(bytes);
    assert_int_equal(n, 32 + 16 + 32);
    memcpy(bytes + n, bytes, n);
    struct journal_record r = {.type = JOURNAL_CHANNEL, .count = 2};
    ASSERT_SOUND(r, bytes, 2 * n);
    const uint8_t *second = journal_get(JOURNAL_CHANNEL, &got, bytes);
    const struct journal_channel c = got.channel;
    assert_ptr_equal(second, bytes + n);
    assert_int_equal(c.next, 40);
    assert_int_equal(c.floor, 10);
    assert_int_equal(c.id, 3);
    assert_int_equal(c.kind, JOURNAL_QUEUE);
    assert_int_equal(c.name_bytes, 11);
    assert_memory_equal(c.name, "/queue/jobs", 11);
    journal_get(JOURNAL_ACKS, &got, c.done);
    assert_int_equal(got.range.first, 12);
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

static void test_ids_of_channels_end(void **state)
{
    (void)state;
    struct journal_record r = {.type = JOURNAL_CHANNEL, .count = 1};
    uint8_t bytes[256];
    size_t n = put_jobs(bytes);
    memcpy(bytes + 16, "\xfe\xff\xff\xff", 4);
    ASSERT_SOUND(r, bytes, n);
    bytes[16] = 0xff;
    ASSERT_REFUSED(r, bytes, n);
}

static void test_a_list_of_segments_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[64];
    union journal_entry s = {.segment = {7, 100, 5000}};
    union journal_entry s2 = {.segment = {8, 200, 6000}};
    struct journal_record r = {.type = JOURNAL_SEGMENTS, .count = 2};
    uint8_t *second = journal_put(JOURNAL_SEGMENTS, bytes, &s);
    assert_ptr_equal(second, bytes + JOURNAL_SEGMENT_ENTRY);
    journal_put(JOURNAL_SEGMENTS, second, &s2);
    ASSERT_SOUND(r, bytes, 2 * JOURNAL_SEGMENT_ENTRY);
    ASSERT_REFUSED(r, bytes, JOURNAL_SEGMENT_ENTRY);
    journal_get(JOURNAL_SEGMENTS, &s2, bytes);
    assert_int_equal(s2.segment.id, 7);
    assert_int_equal(s2.segment.last_batch, 100);
    assert_int_equal(s2.segment.end, 5000);
    journal_put(JOURNAL_SEGMENTS, second, &s);
    ASSERT_REFUSED(r, bytes, 2 * JOURNAL_SEGMENT_ENTRY);
}

static void test_places_in_an_index_come_back(void **state)
{
    (void)state;
    uint8_t bytes[64];
    const union journal_entry e = {.index = {.first = 9,
                                             .channel = 2,
                                             .count = 3,
                                             .at = UINT32_MAX,
                                             .bytes = 77,
                                             .form = JOURNAL_FORM_RICH,
                                             .flags = JOURNAL_RECORD_MOVED,
                                             .checksum = 0xabcdef01}};
    union journal_entry got;
    struct journal_record r = {.type = JOURNAL_INDEX, .count = 1};
    journal_put(JOURNAL_INDEX, bytes, &e);
    ASSERT_SOUND(r, bytes, JOURNAL_INDEX_ENTRY);
    journal_get(JOURNAL_INDEX, &got, bytes);
    assert_memory_equal(&got.index, &e.index, sizeof e.index);
    assert_memory_equal(bytes + 8, "\2\0\0\0\3\0\0\0\xff\xff\xff\xff", 12);
    assert_memory_equal(bytes + 20, "M\0\0\0\2\2\0\0\1\xef\xcd\xab", 12);
    bytes[26] = 1;
    ASSERT_REFUSED(r, bytes, JOURNAL_INDEX_ENTRY);
}

static void test_numbers_free_and_drop_have_their_sizes(void **state)
{
    (void)state;
    uint8_t bytes[32] = {1};
    union journal_entry numbers = {
        .numbers = {.above = 500, .next_channel = 12}};
    struct journal_record r = {.type = JOURNAL_FREE, .count = 1};
    ASSERT_SOUND(r, bytes, 8);
    ASSERT_REFUSED(r, bytes, 16);
    ASSERT_REFUSED(r, bytes + 8, 8);
    journal_put(JOURNAL_NUMBERS, bytes, &numbers);
    r = (struct journal_record){.type = JOURNAL_NUMBERS, .count = 1};
    ASSERT_SOUND(r, bytes, JOURNAL_NUMBERS_ENTRY);
    ASSERT_REFUSED(r, bytes, 8);
    journal_get(JOURNAL_NUMBERS, &numbers, bytes);
    assert_int_equal(numbers.numbers.above, 500);
    assert_int_equal(numbers.numbers.next_channel, 12);
    bytes[12] = 1;
    ASSERT_REFUSED(r, bytes, JOURNAL_NUMBERS_ENTRY);
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
        cmocka_unit_test(test_ids_of_channels_end),
        cmocka_unit_test(test_a_list_of_segments_comes_back),
        cmocka_unit_test(test_places_in_an_index_come_back),
        cmocka_unit_test(test_numbers_free_and_drop_have_their_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
