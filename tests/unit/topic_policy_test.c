/* SPDX-License-Identifier: MIT
 *
 * What a topic does with a subscriber that is over its bound: the policies
 * that never wait. (The default, `wait`, has topic_test.c.)
 */
#include "broker/core/topic_policy.h"

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

struct fixture {
    struct rig rig;
    struct reader fast, stalled; /* of "t" */
};

static int open_topic(void **state)
{
    static struct fixture f;
    rig_open(&f.rig);
    reader_open(&f.rig, &f.fast, "t", UINT64_MAX);
    reader_open(&f.rig, &f.stalled, "t", 0);
    *state = &f;
    return 0;
}

static int close_topic(void **state)
{
    struct fixture *f = *state;
    reader_close(&f->rig, &f->fast);
    reader_close(&f->rig, &f->stalled);
    rig_close(&f->rig);
    return 0;
}

/* Messages of 400 bytes, a turn each: two fit. Nobody ever waits. */
static void post(struct fixture *f, const char *letters)
{
    for (; *letters; letters++) {
        char text[2] = {*letters, '\0'};
        assert_int_equal(rig_say_bytes(&f->rig, "t", text, 397), PUBLISH_OK);
        rig_turn(&f->rig);
        assert_false(channel_must_wait(rig_find(&f->rig, "t")));
    }
}

static void check(struct fixture *f, const char *words, enum counter_id id,
                  uint64_t dropped)
{
    assert_int_equal(rig_count(&f->rig, id), dropped);
    assert_int_equal(f->stalled.sub.dropped, dropped);
    assert_int_equal(f->fast.sub.dropped, 0);
    reader_feed(&f->rig, &f->stalled, UINT64_MAX);
    assert_string_equal(reader_words(&f->stalled), words);
}

static void test_drop_newest_keeps_what_came_first(void **state)
{
    struct fixture *f = *state;
    f->rig.rule.policy = topic_policy_find("drop-newest");
    post(f, "abcd");
    check(f, "a b", COUNT_dropped_newest, 2);
    assert_string_equal(reader_words(&f->fast), "a b c d");
}

static void test_drop_oldest_keeps_what_came_last(void **state)
{
    struct fixture *f = *state;
    f->rig.rule.policy = topic_policy_find("drop-oldest");
    post(f, "abcd");
    check(f, "c d", COUNT_dropped_oldest, 2);
}

static void test_drop_oldest_leaves_what_is_on_its_way(void **state)
{
    struct fixture *f = *state;
    f->rig.rule.policy = topic_policy_find("drop-oldest");
    f->stalled.appetite = 10; /* of the first one */
    post(f, "abcd");
    check(f, "a d", COUNT_dropped_oldest, 2);
}

static void test_disconnect_lets_go_of_the_slow_one(void **state)
{
    struct fixture *f = *state;
    f->rig.rule.policy = topic_policy_find("disconnect");
    post(f, "ab");
    assert_int_equal(f->stalled.sub.state, SUBSCRIBER_OK);
    post(f, "c");
    assert_int_equal(f->stalled.sub.state, SUBSCRIBER_NONE);
    assert_int_equal(rig_count(&f->rig, COUNT_closed_slow), 1);
    post(f, "d");
    assert_string_equal(reader_words(&f->fast), "a b c d");
}

static void test_messages_may_be_bounded_as_well(void **state)
{
    struct fixture *f = *state;
    f->rig.rule.policy = topic_policy_find("drop-oldest");
    f->rig.rule.limit_messages = 3;
    rig_post(&f->rig, "t", "a b c d e");
    check(f, "c d e", COUNT_dropped_oldest, 2);
}

static void test_held_messages_are_for_the_first_who_comes(void **state)
{
    struct fixture *f = *state;
    struct reader first, second;
    f->rig.rule.hold_messages = 2;
    rig_post(&f->rig, "h", "a b c");
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_no_subscriber), 1);
    reader_open(&f->rig, &first, "h", UINT64_MAX);
    reader_open(&f->rig, &second, "h", UINT64_MAX);
    rig_post(&f->rig, "h", "d");
    assert_string_equal(reader_words(&first), "b c d");
    assert_string_equal(reader_words(&second), "d");
    reader_close(&f->rig, &first);
    reader_close(&f->rig, &second);
    assert_null(rig_find(&f->rig, "h"));
}

static void test_held_messages_count_when_the_core_goes(void **state)
{
    struct fixture *f = *state;
    f->rig.rule.hold_messages = 2;
    rig_post(&f->rig, "h", "a b");
    reader_close(&f->rig, &f->fast);
    reader_close(&f->rig, &f->stalled);
    core_purge(&f->rig.core);
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_stopping), 2);
}

static void test_policies_have_names(void **state)
{
    (void)state;
    assert_ptr_equal(topic_policy_find("wait"), TOPIC_POLICY_DEFAULT);
    assert_null(topic_policy_find("Wait"));
    assert_null(topic_policy_find(""));
    for (size_t i = 0; i < topic_policy_count; i++)
        assert_ptr_equal(topic_policy_find(topic_policies[i].name),
                         &topic_policies[i]);
}

#define POLICY_TEST(test)                                                      \
    cmocka_unit_test_setup_teardown(test, open_topic, close_topic)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POLICY_TEST(test_drop_newest_keeps_what_came_first),
        POLICY_TEST(test_drop_oldest_keeps_what_came_last),
        POLICY_TEST(test_drop_oldest_leaves_what_is_on_its_way),
        POLICY_TEST(test_disconnect_lets_go_of_the_slow_one),
        POLICY_TEST(test_messages_may_be_bounded_as_well),
        POLICY_TEST(test_held_messages_are_for_the_first_who_comes),
        POLICY_TEST(test_held_messages_count_when_the_core_goes),
        cmocka_unit_test(test_policies_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
