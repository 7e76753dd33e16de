/* SPDX-License-Identifier: MIT
 *
 * A tap sees each message of a channel once, and changes nothing for clients.
 */
#include "broker/core/tap.h"

#include <string.h>

#include "broker/core/backlog.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

struct fixture {
    struct rig rig;
    struct tap tap; /* first of what on_slice is given */
    uint32_t messages;
    char seen[200];
};

static void on_slice(struct tap *t, const struct slice *slice)
{
    struct fixture *f =
        (struct fixture *)(void *)((char *)t - offsetof(struct fixture, tap));
    const uint8_t *p = slice->block->bytes + slice->offset;
    f->messages += slice->messages;
    for (uint32_t i = 0; i < slice->messages; i++) {
        strncat(f->seen, (const char *)p + RIG_HEAD_BYTES, p[0]);
        p += RIG_HEAD_BYTES + p[0];
    }
}

static int open_rig(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    rig_open(&f.rig);
    *state = &f;
    return 0;
}

static int close_rig(void **state)
{
    struct fixture *f = *state;
    tap_close(&f->tap);
    rig_close(&f->rig);
    return 0;
}

static bool tap(struct fixture *f, const char *name)
{
    return tap_open(&f->tap, &f->rig.core, (const uint8_t *)name,
                    (uint32_t)strlen(name), on_slice);
}

static void test_messages_of_a_turn_are_seen_in_order(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    reader_open(&f->rig, &reader, "t", UINT64_MAX);
    assert_true(tap(f, "t"));
    rig_post(&f->rig, "t", "a b c");
    rig_post(&f->rig, "t", "d");
    assert_string_equal(f->seen, "abcd");
    assert_string_equal(reader_words(&reader), "a b c d");
    reader_close(&f->rig, &reader);
}

static void test_what_came_before_is_not_seen(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    reader_open(&f->rig, &reader, "t", UINT64_MAX);
    rig_say(&f->rig, "t", "before");
    assert_true(tap(f, "t"));
    rig_say(&f->rig, "t", "after");
    rig_turn(&f->rig);
    assert_string_equal(f->seen, "after");
    assert_string_equal(reader_words(&reader), "before after");
    reader_close(&f->rig, &reader);
}

static void test_a_channel_lives_as_long_as_its_tap(void **state)
{
    struct fixture *f = *state;
    assert_null(rig_find(&f->rig, "t"));
    assert_true(tap(f, "t"));
    rig_turn(&f->rig);
    assert_non_null(rig_find(&f->rig, "t"));
    rig_post(&f->rig, "t", "unheard");
    assert_string_equal(f->seen, "unheard");
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_no_subscriber), 1);
    tap_close(&f->tap);
    rig_turn(&f->rig);
    assert_null(rig_find(&f->rig, "t"));
}

static void test_a_queue_keeps_what_is_seen(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    assert_true(tap(f, "/queue"));
    rig_post(&f->rig, "/queue", "x y");
    assert_string_equal(f->seen, "xy");
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), 2);
    tap_close(&f->tap);
    reader_open(&f->rig, &reader, "/queue", UINT64_MAX);
    rig_turn(&f->rig);
    assert_string_equal(reader_words(&reader), "x y");
    reader_close(&f->rig, &reader);
}

static void test_what_returns_to_a_queue_is_not_seen_again(void **state)
{
    struct fixture *f = *state;
    struct reader stalled, other;
    assert_true(tap(f, "/queue"));
    reader_open(&f->rig, &stalled, "/queue", 0);
    rig_post(&f->rig, "/queue", "x");
    reader_close(&f->rig, &stalled);
    reader_open(&f->rig, &other, "/queue", UINT64_MAX);
    rig_turn(&f->rig);
    assert_string_equal(reader_words(&other), "x");
    assert_int_equal(f->messages, 1);
    reader_close(&f->rig, &other);
}

static void test_one_tap_for_a_channel(void **state)
{
    struct fixture *f = *state;
    struct tap second;
    assert_true(tap(f, "t"));
    assert_false(
        tap_open(&second, &f->rig.core, (const uint8_t *)"t", 1, on_slice));
    tap_close(&second);
    rig_post(&f->rig, "t", "still");
    assert_string_equal(f->seen, "still");
}

static void test_where_nothing_is_routed(void **state)
{
    struct fixture *f = *state;
    assert_false(tap(f, "/null"));
    assert_false(tap(f, "/sys"));
    assert_false(tap(f, "/sys/x"));
    assert_int_equal(rig_count(&f->rig, COUNT_channels), 0);
}

static void test_the_core_may_end_first(void **state)
{
    struct fixture *f = *state;
    assert_true(tap(f, "/queue"));
    rig_post(&f->rig, "/queue", "x");
    core_purge(&f->rig.core);
    assert_int_equal(rig_count(&f->rig, COUNT_channels), 0);
    assert_null(f->tap.channel);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        TEST(test_messages_of_a_turn_are_seen_in_order),
        TEST(test_what_came_before_is_not_seen),
        TEST(test_a_channel_lives_as_long_as_its_tap),
        TEST(test_a_queue_keeps_what_is_seen),
        TEST(test_what_returns_to_a_queue_is_not_seen_again),
        TEST(test_one_tap_for_a_channel),
        TEST(test_where_nothing_is_routed),
        TEST(test_the_core_may_end_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
