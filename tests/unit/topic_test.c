/* SPDX-License-Identifier: MIT
 *
 * A topic gives every message to every subscriber. Publishers wait for
 * a full one while it is busy, and no longer once it is slow.
 */

#include "broker/core/topic_policy.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

struct fixture {
    struct rig rig;
    struct reader fast, stalled; /* of "t"; nothing is taken by the latter */
    struct publisher publisher;
};

static int open_topic(void **state)
{
    static struct fixture f;
    rig_open(&f.rig);
    reader_open(&f.rig, &f.fast, "t", UINT64_MAX);
    reader_open(&f.rig, &f.stalled, "t", 0);
    publisher_init(&f.publisher);
    *state = &f;
    return 0;
}

static int close_topic(void **state)
{
    struct fixture *f = *state;
    publisher_forget(&f->publisher);
    reader_close(&f->rig, &f->fast);
    reader_close(&f->rig, &f->stalled);
    rig_close(&f->rig);
    return 0;
}

/* A message of `size` bytes, and a turn. */
static enum publish_status post_sized(struct fixture *f, const char *text,
                                      uint32_t size)
{
    enum publish_status status =
        rig_say_bytes(&f->rig, "t", text, size - RIG_HEAD_BYTES);
    rig_turn(&f->rig);
    return status;
}

static void check_state(const struct reader *reader,
                        enum subscriber_state state)
{
    assert_int_equal(reader->sub.state, state);
}

static void check_words(struct reader *reader, const char *words)
{
    assert_string_equal(reader_words(reader), words);
}

static int resumed(struct fixture *f)
{
    struct publisher *out[1];
    int n = rig_resumed(&f->rig, out, 1);
    if (n == 1)
        assert_ptr_equal(out[0], &f->publisher);
    return n;
}

/* Two messages of which the second does not fit. */
static void make_busy(struct fixture *f)
{
    post_sized(f, "a", 900);
    check_state(&f->stalled, SUBSCRIBER_OK);
    assert_int_equal(post_sized(f, "b", 300), PUBLISH_OK);
    check_state(&f->stalled, SUBSCRIBER_BUSY);
}

static void wait_at_gate(struct fixture *f)
{
    assert_int_equal(rig_say(&f->rig, "t", "c"), PUBLISH_WAIT);
    publisher_wait(&f->publisher, rig_find(&f->rig, "t"), false);
    rig_turn(&f->rig);
    assert_int_equal(resumed(f), 0);
}

static void test_every_subscriber_gets_every_message(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "t", "a b c");
    rig_post(&f->rig, "t", "d");
    reader_feed(&f->rig, &f->stalled, UINT64_MAX);
    check_words(&f->fast, "a b c d");
    check_words(&f->stalled, "a b c d");
    assert_int_equal(rig_count(&f->rig, COUNT_messages_out), 8);
}

static void test_nobody_there_drops_and_counts(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "elsewhere", "a b");
    assert_null(rig_find(&f->rig, "elsewhere"));
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_no_subscriber), 2);
    check_words(&f->fast, "");
}

static void test_joining_is_not_for_what_came_before(void **state)
{
    struct fixture *f = *state;
    struct reader late;
    rig_say(&f->rig, "t", "before");
    reader_open(&f->rig, &late, "t", UINT64_MAX);
    rig_post(&f->rig, "t", "after");
    check_words(&late, "after");
    check_words(&f->fast, "before after");
    reader_close(&f->rig, &late);
}

static void test_busy_one_is_waited_for_until_half_is_gone(void **state)
{
    struct fixture *f = *state;
    make_busy(f);
    wait_at_gate(f);
    assert_true(core_is_ticking(&f->rig.core));
    reader_feed(&f->rig, &f->stalled, 700); /* 504 are left */
    check_state(&f->stalled, SUBSCRIBER_BUSY);
    assert_int_equal(resumed(f), 0);
    reader_feed(&f->rig, &f->stalled, 4);
    check_state(&f->stalled, SUBSCRIBER_OK);
    assert_int_equal(resumed(f), 1);
    assert_false(core_is_ticking(&f->rig.core));
    reader_feed(&f->rig, &f->stalled, UINT64_MAX);
    check_words(&f->stalled, "a b c"); /* nothing was lost */
    assert_int_equal(f->rig.slow, 0);
}

static void test_patience_ends_and_busy_becomes_slow(void **state)
{
    struct fixture *f = *state;
    make_busy(f);
    wait_at_gate(f);
    rig_wait_ms(&f->rig, RIG_PATIENCE_MS - 1);
    check_state(&f->stalled, SUBSCRIBER_BUSY);
    assert_int_equal(resumed(f), 0);
    rig_wait_ms(&f->rig, 1);
    check_state(&f->stalled, SUBSCRIBER_SLOW);
    assert_int_equal(resumed(f), 1);
    assert_int_equal(f->rig.slow, 1);
    assert_int_equal(rig_count(&f->rig, COUNT_slow_subscribers), 1);
}

static void test_slow_one_misses_alone_and_holds_nobody(void **state)
{
    struct fixture *f = *state;
    make_busy(f);
    rig_wait_ms(&f->rig, RIG_PATIENCE_MS);
    assert_int_equal(post_sized(f, "c", 50), PUBLISH_OK);
    assert_int_equal(post_sized(f, "d", 50), PUBLISH_OK);
    check_words(&f->fast, "a b c d");
    reader_feed(&f->rig, &f->stalled, UINT64_MAX);
    check_words(&f->stalled, "a b");
    assert_int_equal(f->stalled.sub.dropped, 2);
    assert_int_equal(f->fast.sub.dropped, 0);
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_slow), 2);
    assert_int_equal(f->rig.slow, 1); /* reported once */
}

static void test_old_backlog_is_slow_at_once(void **state)
{
    struct fixture *f = *state;
    post_sized(f, "a", 900);
    rig_wait_ms(&f->rig, RIG_PATIENCE_MS);
    check_state(&f->stalled, SUBSCRIBER_OK);
    assert_int_equal(post_sized(f, "b", 300), PUBLISH_OK);
    check_state(&f->stalled, SUBSCRIBER_SLOW);
    assert_int_equal(post_sized(f, "c", 50), PUBLISH_OK);
    /* "c" would fit again, but one gap is better than many. */
    assert_int_equal(f->stalled.sub.dropped, 2);
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_slow), 2);
}

static void test_slow_one_recovers_at_half(void **state)
{
    struct fixture *f = *state;
    make_busy(f);
    rig_wait_ms(&f->rig, RIG_PATIENCE_MS);
    reader_feed(&f->rig, &f->stalled, 699);
    check_state(&f->stalled, SUBSCRIBER_SLOW);
    assert_int_equal(f->rig.recovered, 0);
    reader_feed(&f->rig, &f->stalled, 1);
    check_state(&f->stalled, SUBSCRIBER_OK);
    assert_int_equal(f->rig.recovered, 1);
    rig_post(&f->rig, "t", "c");
    reader_feed(&f->rig, &f->stalled, UINT64_MAX);
    check_words(&f->stalled, "a b c");
}

static void check_receipt(struct fixture *f, uint32_t readers, uint32_t slow)
{
    struct receipt r = channel_receipt(rig_find(&f->rig, "t"));
    assert_int_equal(r.readers, readers);
    assert_int_equal(r.slow, slow);
}

static void
test_a_receipt_counts_who_gets_a_message_and_who_does_not(void **state)
{
    struct fixture *f = *state;
    check_receipt(f, 2, 0);
    make_busy(f);
    check_receipt(f, 2, 0);
    rig_wait_ms(&f->rig, RIG_PATIENCE_MS);
    check_receipt(f, 1, 1);
    reader_feed(&f->rig, &f->stalled, 700);
    check_receipt(f, 2, 0);
    post_sized(f, "c", 600);
    rig_wait_ms(&f->rig, 2 * RIG_PATIENCE_MS);
    check_receipt(f, 1, 1);
    subscriber_retire(&f->stalled.sub); /* it matches no more */
    check_receipt(f, 1, 0);
    reader_close(&f->rig, &f->stalled);
    check_receipt(f, 1, 0);
    f->rig.rule.policy = topic_policy_find("drop-newest");
    reader_open(&f->rig, &f->stalled, "t", 0);
    post_sized(f, "d", 600);
    post_sized(f, "e", 600);
    check_state(&f->stalled, SUBSCRIBER_SLOW);
    check_receipt(f, 2, 0); /* this policy offers each message to it */
}

/* It changes between a publish and its end of the turn. */
static void test_a_receipt_stays_true_when_a_reader_recovers(void **state)
{
    struct fixture *f = *state;
    make_busy(f);
    rig_wait_ms(&f->rig, RIG_PATIENCE_MS);
    rig_say(&f->rig, "t", "c");
    check_receipt(f, 1, 1);
    subscriber_sent(&f->stalled.sub, 1000); /* not the reader's own count */
    check_state(&f->stalled, SUBSCRIBER_OK);
    check_receipt(f, 2, 0);
    assert_int_equal(f->stalled.sub.dropped, 1);
}

static void test_leaving_busy_opens_the_gate(void **state)
{
    struct fixture *f = *state;
    make_busy(f);
    wait_at_gate(f);
    reader_close(&f->rig, &f->stalled);
    assert_int_equal(resumed(f), 1);
    assert_false(channel_must_wait(rig_find(&f->rig, "t")));
    assert_false(core_is_ticking(&f->rig.core));
}

static void test_retiring_busy_opens_the_gate(void **state)
{
    struct fixture *f = *state;
    make_busy(f);
    wait_at_gate(f);
    subscriber_retire(&f->stalled.sub);
    rig_turn(&f->rig);
    assert_int_equal(resumed(f), 1);
    reader_feed(&f->rig, &f->stalled, UINT64_MAX);
    check_words(&f->stalled, "a b c");
}

static void test_gate_waits_for_all_that_are_busy(void **state)
{
    struct fixture *f = *state;
    struct reader other;
    reader_open(&f->rig, &other, "t", 0);
    make_busy(f);
    check_state(&other, SUBSCRIBER_BUSY);
    wait_at_gate(f);
    reader_feed(&f->rig, &f->stalled, UINT64_MAX);
    assert_int_equal(resumed(f), 0);
    reader_close(&f->rig, &other);
    assert_int_equal(resumed(f), 1);
}

static void test_empty_outbox_takes_any_size(void **state)
{
    struct fixture *f = *state;
    post_sized(f, "large", 40 * RIG_CLIENT_LIMIT);
    check_state(&f->stalled, SUBSCRIBER_OK);
    assert_int_equal(f->stalled.sub.outbox->bytes, 40 * RIG_CLIENT_LIMIT);
    reader_feed(&f->rig, &f->stalled, UINT64_MAX);
    assert_int_equal(f->stalled.got_bytes, 40 * RIG_CLIENT_LIMIT);
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_slow), 0);
}

static void test_what_is_owed_is_dropped_when_it_leaves(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "t", "aaaaaaa bbbbbbb ccccccc"); /* 10 bytes each */
    reader_feed(&f->rig, &f->stalled, 19);
    uint64_t out = rig_count(&f->rig, COUNT_messages_out);
    reader_close(&f->rig, &f->stalled);
    /* The one of which a byte was missing was not delivered. */
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_gone), 2);
    assert_int_equal(rig_count(&f->rig, COUNT_messages_out), out + 1);
}

static void test_stopping_has_a_count_of_its_own(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "t", "a b c");
    core_stop(&f->rig.core);
    reader_close(&f->rig, &f->stalled);
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_stopping), 3);
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_gone), 0);
}

static void test_retired_gets_what_came_before_and_no_more(void **state)
{
    struct fixture *f = *state;
    rig_say(&f->rig, "t", "before"); /* in the same turn */
    subscriber_retire(&f->stalled.sub);
    subscriber_retire(&f->stalled.sub); /* is done once */
    rig_post(&f->rig, "t", "after");
    reader_feed(&f->rig, &f->stalled, UINT64_MAX);
    check_words(&f->stalled, "before");
    check_words(&f->fast, "before after");
}

static void test_publisher_may_leave_the_gate(void **state)
{
    struct fixture *f = *state;
    make_busy(f);
    wait_at_gate(f);
    publisher_forget(&f->publisher);
    publisher_forget(&f->publisher);
    reader_feed(&f->rig, &f->stalled, UINT64_MAX);
    assert_int_equal(resumed(f), 0);
}

#define TOPIC_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(test, open_topic, close_topic)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOPIC_TEST(test_every_subscriber_gets_every_message),
        TOPIC_TEST(test_nobody_there_drops_and_counts),
        TOPIC_TEST(test_joining_is_not_for_what_came_before),
        TOPIC_TEST(test_busy_one_is_waited_for_until_half_is_gone),
        TOPIC_TEST(test_patience_ends_and_busy_becomes_slow),
        TOPIC_TEST(test_slow_one_misses_alone_and_holds_nobody),
        TOPIC_TEST(test_old_backlog_is_slow_at_once),
        TOPIC_TEST(test_slow_one_recovers_at_half),
        TOPIC_TEST(test_a_receipt_counts_who_gets_a_message_and_who_does_not),
        TOPIC_TEST(test_a_receipt_stays_true_when_a_reader_recovers),
        TOPIC_TEST(test_leaving_busy_opens_the_gate),
        TOPIC_TEST(test_retiring_busy_opens_the_gate),
        TOPIC_TEST(test_gate_waits_for_all_that_are_busy),
        TOPIC_TEST(test_empty_outbox_takes_any_size),
        TOPIC_TEST(test_what_is_owed_is_dropped_when_it_leaves),
        TOPIC_TEST(test_stopping_has_a_count_of_its_own),
        TOPIC_TEST(test_retired_gets_what_came_before_and_no_more),
        TOPIC_TEST(test_publisher_may_leave_the_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
