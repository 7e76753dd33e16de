/* SPDX-License-Identifier: MIT
 *
 * A tap is shown what is routed to its channel, from then on, and changes
 * nothing for those who read it.
 */
#include "broker/core/tap.h"

#include <string.h>

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

struct fixture {
    struct rig rig;
    struct tap tap;
    uint32_t shown; /* messages */
};

static void on_slice(struct tap *t, const struct slice *slice)
{
    LIST_OF(t, struct fixture, tap)->shown += slice->messages;
}

static int begin(void **state)
{
    static struct fixture f;
    f = (struct fixture){.shown = 0};
    rig_open(&f.rig);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    tap_close(&f->tap);
    rig_turn(&f->rig);
    rig_close(&f->rig);
    return 0;
}

static bool open_tap(struct fixture *f, struct tap *t, const char *name)
{
    return tap_open(t, &f->rig.core, (const uint8_t *)name,
                    (uint32_t)strlen(name), on_slice);
}

static void test_shows_messages_that_have_no_reader(void **state)
{
    struct fixture *f = *state;
    assert_true(open_tap(f, &f->tap, "/topic"));
    rig_post(&f->rig, "/topic", "one two three");
    rig_post(&f->rig, "/other", "four");
    assert_int_equal(f->shown, 3);
}

static void test_shows_nothing_from_before_or_after(void **state)
{
    struct fixture *f = *state;
    (void)rig_say(&f->rig, "/queue/a", "before");
    assert_true(open_tap(f, &f->tap, "/queue/a"));
    rig_post(&f->rig, "/queue/a", "while it is open");
    tap_close(&f->tap);
    rig_post(&f->rig, "/queue/a", "after");
    assert_int_equal(f->shown, 4);
}

static void test_takes_nothing_from_a_consumer(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    assert_true(open_tap(f, &f->tap, "/queue/a"));
    reader_open(&f->rig, &reader, "/queue/a", UINT64_MAX);
    rig_post(&f->rig, "/queue/a", "one two");
    assert_int_equal(f->shown, 2);
    assert_string_equal(reader_words(&reader), "one two");
    reader_close(&f->rig, &reader);
}

static void test_a_channel_has_one_tap(void **state)
{
    struct fixture *f = *state;
    struct tap second;
    assert_true(open_tap(f, &f->tap, "/topic"));
    assert_false(open_tap(f, &second, "/topic"));
    tap_close(&second);
    rig_post(&f->rig, "/topic", "still shown");
    assert_int_equal(f->shown, 2);
}

static void test_nothing_is_tapped_where_nothing_is_routed(void **state)
{
    struct fixture *f = *state;
    assert_false(open_tap(f, &f->tap, "/null"));
    assert_false(open_tap(f, &f->tap, "/sys/x"));
    assert_int_equal(rig_count(&f->rig, COUNT_channels), 0);
}

static void test_a_channel_lives_as_long_as_its_tap(void **state)
{
    struct fixture *f = *state;
    assert_true(open_tap(f, &f->tap, "/topic"));
    rig_turn(&f->rig);
    assert_int_equal(rig_count(&f->rig, COUNT_channels), 1);
    tap_close(&f->tap);
    tap_close(&f->tap); /* harmless */
    rig_turn(&f->rig);
    assert_int_equal(rig_count(&f->rig, COUNT_channels), 0);
}

#define TAP_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TAP_TEST(test_shows_messages_that_have_no_reader),
        TAP_TEST(test_shows_nothing_from_before_or_after),
        TAP_TEST(test_takes_nothing_from_a_consumer),
        TAP_TEST(test_a_channel_has_one_tap),
        TAP_TEST(test_nothing_is_tapped_where_nothing_is_routed),
        TAP_TEST(test_a_channel_lives_as_long_as_its_tap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
