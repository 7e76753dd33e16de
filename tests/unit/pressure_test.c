/* SPDX-License-Identifier: MIT
 *
 * When memory is short, channels that hold much of it are asked first, and
 * channels that hold little are left alone.
 */

#include <stdio.h>

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

enum { LIMIT = 1000000, PIECE = 20000, MANY = 1000 };

struct fixture {
    struct rig rig;
    struct reader reader;
};

static int open_core(void **state)
{
    static struct fixture f;
    rig_open(&f.rig);
    subscriber_init(&f.reader.sub);
    f.rig.budget.limit_bytes = LIMIT;
    f.rig.rule.limit_bytes = f.rig.rule.client_limit_bytes = UINT64_MAX / 4;
    *state = &f;
    return 0;
}

static int close_core(void **state)
{
    struct fixture *f = *state;
    reader_close(&f->rig, &f->reader);
    rig_close(&f->rig);
    return 0;
}

/* Posts until the channel is shut. */
static void post_until_shut(struct fixture *f, const char *channel)
{
    do {
        rig_say_bytes(&f->rig, channel, "x", PIECE - RIG_HEAD_BYTES);
        rig_turn(&f->rig);
        assert_true(f->rig.budget.used_bytes < LIMIT);
    } while (!channel_must_wait(rig_find(&f->rig, channel)));
}

static void test_large_queue_is_shut_before_memory_is_gone(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "/queue/small", "a b c");
    post_until_shut(f, "/queue/large");
    assert_true(budget_is_short(&f->rig.budget));
    assert_int_equal(rig_count(&f->rig, COUNT_pressed), 1);
    assert_int_equal(f->rig.pressed, 1);
    assert_false(channel_must_wait(rig_find(&f->rig, "/queue/small")));
}

static void test_shut_queue_opens_when_half_is_gone(void **state)
{
    struct fixture *f = *state;
    post_until_shut(f, "/queue/large");
    uint64_t held = rig_count(&f->rig, COUNT_queued_bytes);
    reader_open(&f->rig, &f->reader, "/queue/large", held / 10);
    rig_turn(&f->rig);
    reader_feed(&f->rig, &f->reader, held * 6 / 10);
    assert_false(channel_must_wait(rig_find(&f->rig, "/queue/large")));
}

static void test_what_a_queue_has_taken_it_keeps(void **state)
{
    struct fixture *f = *state;
    post_until_shut(f, "/queue/large");
    uint64_t held = rig_count(&f->rig, COUNT_queued_messages);
    for (int i = 0; i < 100; i++)
        rig_turn(&f->rig);
    assert_int_equal(rig_count(&f->rig, COUNT_queued_messages), held);
    reader_open(&f->rig, &f->reader, "/queue/large", UINT64_MAX);
    for (int i = 0; i < 100 && core_has_work(&f->rig.core); i++)
        rig_turn(&f->rig);
    assert_int_equal(f->reader.got_bytes, held * PIECE);
}

static void test_stalled_subscriber_gives_back_what_it_holds(void **state)
{
    struct fixture *f = *state;
    reader_open(&f->rig, &f->reader, "t", 0);
    post_until_shut(f, "t"); /* it may still catch up */
    assert_int_equal(f->reader.sub.state, SUBSCRIBER_BUSY);
    rig_wait_ms(&f->rig, RIG_PATIENCE_MS);
    rig_say_bytes(&f->rig, "t", "x", PIECE);
    rig_turn(&f->rig);
    assert_true(f->rig.budget.used_bytes < LIMIT / 2);
    assert_true(rig_count(&f->rig, COUNT_dropped_memory) > 0);
    assert_false(channel_must_wait(rig_find(&f->rig, "t")));
}

static void test_stalled_leaver_gives_back_what_it_holds(void **state)
{
    struct fixture *f = *state;
    reader_open(&f->rig, &f->reader, "t", 0);
    post_until_shut(f, "t");
    subscriber_retire(&f->reader.sub);
    rig_turn(&f->rig);
    assert_true(f->rig.budget.used_bytes > LIMIT / 2); /* it is young */
    rig_wait_ms(&f->rig, RIG_PATIENCE_MS);
    rig_post(&f->rig, "t", "x");
    assert_true(f->rig.budget.used_bytes < LIMIT / 2);
    assert_true(rig_count(&f->rig, COUNT_dropped_memory) > 0);
    assert_int_equal(f->reader.sub.state, SUBSCRIBER_RETIRED);
}

static uint32_t count_shut(struct fixture *f, uint32_t queues)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < queues; i++) {
        char name[24];
        snprintf(name, sizeof name, "/queue/%u", i);
        n += channel_must_wait(rig_find(&f->rig, name));
    }
    return n;
}

static void post_to_many(struct fixture *f, uint32_t queues)
{
    for (uint32_t i = 0; i < queues; i++) {
        char name[24];
        snprintf(name, sizeof name, "/queue/%u", i);
        rig_post(&f->rig, name, "a");
    }
}

/* All that is left, and one byte; returns how much that was. */
static uint64_t use_up(struct fixture *f)
{
    uint64_t rest = LIMIT + 1 - f->rig.budget.used_bytes;
    budget_charge(&f->rig.budget, rest);
    return rest;
}

/* A broker whose memory is full of small queues must not look at all of them
 * in every turn. */
static void test_many_small_ones_are_asked_and_relieved_in_parts(void **state)
{
    struct fixture *f = *state;
    enum { TURNS_MAX = 100 };
    int turns = 0;
    post_to_many(f, MANY);
    uint64_t rest = use_up(f);
    while (count_shut(f, MANY) < MANY && turns++ < TURNS_MAX)
        rig_turn(&f->rig);
    assert_int_equal(count_shut(f, MANY), MANY);
    budget_refund(&f->rig.budget, rest);
    f->rig.budget.limit_bytes = LIMIT * 2; /* what these hold is much less */
    rig_turn(&f->rig);
    assert_in_range(count_shut(f, MANY), 1, MANY - 1);
    for (turns = 0; core_has_work(&f->rig.core) && turns < TURNS_MAX; turns++)
        rig_turn(&f->rig);
    assert_false(core_has_work(&f->rig.core));
    assert_int_equal(count_shut(f, MANY), 0);
}

/* However many others have to be asked as well. */
static void test_a_small_one_that_grows_is_asked_at_once(void **state)
{
    struct fixture *f = *state;
    post_to_many(f, MANY);
    uint64_t rest = use_up(f);
    for (int turns = 0; turns < 2 * MANY && count_shut(f, MANY) < MANY; turns++)
        rig_turn(&f->rig);
    rig_post(&f->rig, "/queue/new", "a");
    assert_true(channel_must_wait(rig_find(&f->rig, "/queue/new")));
    budget_refund(&f->rig.budget, rest);
}

/* Or one that names a new queue each time would never have to wait. */
static void test_a_new_queue_makes_its_publisher_wait_at_once(void **state)
{
    struct fixture *f = *state;
    uint64_t rest = use_up(f);
    assert_int_equal(rig_say(&f->rig, "/queue/new", "a"), PUBLISH_WAIT);
    rig_turn(&f->rig);
    assert_true(channel_must_wait(rig_find(&f->rig, "/queue/new")));
    budget_refund(&f->rig.budget, rest);
}

static void
test_a_queue_that_is_emptied_makes_nobody_wait_for_long(void **state)
{
    struct fixture *f = *state;
    uint64_t rest = use_up(f);
    reader_open(&f->rig, &f->reader, "/queue", UINT64_MAX);
    assert_int_equal(rig_say(&f->rig, "/queue", "a"), PUBLISH_WAIT);
    rig_turn(&f->rig);
    assert_false(channel_must_wait(rig_find(&f->rig, "/queue")));
    assert_string_equal(reader_words(&f->reader), "a");
    budget_refund(&f->rig.budget, rest);
}

static void test_a_queue_that_gets_nothing_after_all_goes(void **state)
{
    struct fixture *f = *state;
    enum counter_id why;
    uint64_t rest = use_up(f);
    assert_non_null(
        core_route(&f->rig.core, (const uint8_t *)"/queue", 6, &why));
    rig_turn(&f->rig);
    assert_null(rig_find(&f->rig, "/queue"));
    assert_false(core_has_work(&f->rig.core));
    budget_refund(&f->rig.budget, rest);
}

/* Otherwise the loop would spin while memory is short. */
static void test_a_turn_without_news_is_the_last(void **state)
{
    struct fixture *f = *state;
    post_until_shut(f, "/queue/large");
    reader_open(&f->rig, &f->reader, "t", 0);
    rig_post(&f->rig, "t", "a");
    rig_post(&f->rig, "/queue/small", "a");
    uint64_t rest = use_up(f);
    for (int i = 0; i < 10; i++)
        rig_turn(&f->rig);
    assert_false(budget_has_room(&f->rig.budget, 0));
    assert_false(core_has_work(&f->rig.core));
    budget_refund(&f->rig.budget, rest);
}

static void test_what_a_topic_holds_goes_and_the_topic_with_it(void **state)
{
    struct fixture *f = *state;
    f->rig.rule.hold_messages = 10;
    rig_post(&f->rig, "t", "a b c");
    assert_non_null(rig_find(&f->rig, "t"));
    uint64_t rest = use_up(f);
    for (int i = 0; i < 10; i++)
        rig_turn(&f->rig);
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_memory), 3);
    assert_null(rig_find(&f->rig, "t"));
    rest += use_up(f);
    rig_post(&f->rig, "t", "d"); /* at once, when it is weighed */
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_memory), 4);
    assert_null(rig_find(&f->rig, "t"));
    budget_refund(&f->rig.budget, rest);
}

#define PRESSURE_TEST(test)                                                    \
    cmocka_unit_test_setup_teardown(test, open_core, close_core)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PRESSURE_TEST(test_large_queue_is_shut_before_memory_is_gone),
        PRESSURE_TEST(test_shut_queue_opens_when_half_is_gone),
        PRESSURE_TEST(test_what_a_queue_has_taken_it_keeps),
        PRESSURE_TEST(test_stalled_subscriber_gives_back_what_it_holds),
        PRESSURE_TEST(test_stalled_leaver_gives_back_what_it_holds),
        PRESSURE_TEST(test_many_small_ones_are_asked_and_relieved_in_parts),
        PRESSURE_TEST(test_a_new_queue_makes_its_publisher_wait_at_once),
        PRESSURE_TEST(test_a_queue_that_is_emptied_makes_nobody_wait_for_long),
        PRESSURE_TEST(test_a_queue_that_gets_nothing_after_all_goes),
        PRESSURE_TEST(test_a_turn_without_news_is_the_last),
        PRESSURE_TEST(test_what_a_topic_holds_goes_and_the_topic_with_it),
        PRESSURE_TEST(test_a_small_one_that_grows_is_asked_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
