/* SPDX-License-Identifier: MIT
 *
 * What a worker holds, gives back or leaves behind; the rest is by chance, in
 * queue_work_simulation_test.c.
 */
#include "broker/core/queue_work.h"

#include <stdio.h>
#include <string.h>

#include "broker/core/waiting.h"
#include "broker/core/worker.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

struct fixture {
    struct rig rig;
    struct holder holder;
    struct worker worker;
    struct reader a, b; /* its lanes in two queues */
};

static void open_lane(struct fixture *f, struct reader *lane, const char *queue)
{
    *lane = (struct reader){.appetite = UINT64_MAX};
    subscriber_init(&lane->sub);
    lane->sub.kind = SUBSCRIBER_LANE;
    lane->sub.worker = &f->worker;
    assert_true(core_subscribe(&f->rig.core, &lane->sub, (const uint8_t *)queue,
                               (uint32_t)strlen(queue)));
    rig_turn(&f->rig);
}

static int open_queues(void **state)
{
    static struct fixture f;
    rig_open(&f.rig);
    holder_init(&f.holder, &f);
    worker_init(&f.worker, &f.holder, 1, 0);
    open_lane(&f, &f.a, "/queue/a");
    open_lane(&f, &f.b, "/queue/b");
    *state = &f;
    return 0;
}

static int close_queues(void **state)
{
    struct fixture *f = *state;
    reader_close(&f->rig, &f->a);
    reader_close(&f->rig, &f->b);
    worker_fini(&f->worker);
    rig_close(&f->rig);
    return 0;
}

static void check_got(struct reader *lane, const char *words)
{
    assert_string_equal(reader_words(lane), words);
}

/* The message was received, and is acknowledged. */
static void ack(struct fixture *f, struct reader *lane, uint64_t number)
{
    queue_work_sent(&lane->sub, number, 1);
    assert_true(queue_work_ack(lane->sub.channel, f, number));
    rig_turn(&f->rig);
}

static void test_one_window_for_all_queues(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "/queue/a", "1 2");
    rig_post(&f->rig, "/queue/b", "x");
    check_got(&f->a, "1");
    check_got(&f->b, "");
    assert_int_equal(f->worker.held, 1);
    ack(f, &f->a, 1);
    assert_int_equal(f->worker.held, 1);
}

/* Another consumer took what there was for one of the lanes: the credit is for
 * the other. */
static void test_a_lane_without_messages_keeps_no_credit(void **state)
{
    struct fixture *f = *state;
    struct reader plain;
    rig_post(&f->rig, "/queue/a", "1 2");
    rig_post(&f->rig, "/queue/b", "x");
    reader_open(&f->rig, &plain, "/queue/a", UINT64_MAX);
    rig_turn(&f->rig);
    check_got(&plain, "2");
    ack(f, &f->a, 1);
    check_got(&f->b, "x");
    reader_close(&f->rig, &plain);
}

static void
test_an_acknowledgement_is_of_the_holder_and_of_what_came(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "/queue/a", "1");
    struct channel *ch = f->a.sub.channel;
    assert_false(queue_work_ack(ch, f, 1)); /* it can not have it yet */
    queue_work_sent(&f->a.sub, 1, 1);
    assert_false(queue_work_ack(ch, &f->worker, 1));
    assert_false(queue_work_ack(ch, f, 2));
    assert_true(queue_work_ack(ch, f, 1));
    assert_false(queue_work_nak(ch, f, 1, 0));
    assert_false(queue_work_touch(ch, f, 1));
}

static void test_what_is_held_counts_in_the_queue_limit(void **state)
{
    struct fixture *f = *state;
    queue_work_set_credit(&f->worker, 9);
    for (int i = 0; i < 2; i++) {
        assert_false(channel_must_wait(f->a.sub.channel));
        rig_say_bytes(&f->rig, "/queue/a", "big", 600);
        rig_turn(&f->rig);
    }
    assert_int_equal(f->worker.held, 2);
    assert_true(channel_must_wait(f->a.sub.channel));
    ack(f, &f->a, 1);
    assert_true(channel_must_wait(f->a.sub.channel)); /* more than half */
    ack(f, &f->a, 2);
    assert_false(channel_must_wait(f->a.sub.channel));
}

/* Whoever takes the message for which one lane was woken, the worker has what
 * it may have. */
static void test_credit_that_one_lane_cannot_use_is_for_another(void **state)
{
    struct fixture *f = *state;
    struct reader plain;
    rig_post(&f->rig, "/queue/a", "1 2");
    rig_post(&f->rig, "/queue/b", "x");
    check_got(&f->a, "1");
    reader_open(&f->rig, &plain, "/queue/a", UINT64_MAX);
    ack(f, &f->a, 1);
    check_got(&plain, "2");
    check_got(&f->b, "x");
    assert_int_equal(f->worker.held, 1);
    assert_false(core_has_work(&f->rig.core));
    reader_close(&f->rig, &plain);
}

static uint32_t count(const struct list *list)
{
    uint32_t n = 0;
    LIST_EACH (link, list) {
        n++;
    }
    return n;
}

enum { QUEUES = 50 };

/* The other lanes are not even looked at. */
static void test_one_acknowledgement_wakes_one_lane(void **state)
{
    struct fixture *f = *state;
    static struct reader lanes[QUEUES];
    char name[32];
    rig_post(&f->rig, "/queue/a", "1");
    for (int i = 0; i < QUEUES; i++) {
        (void)snprintf(name, sizeof name, "/queue/%d", i);
        open_lane(f, &lanes[i], name);
        rig_post(&f->rig, name, "m m");
    }
    assert_int_equal(count(&f->worker.hungry), QUEUES);
    queue_work_sent(&f->a.sub, 1, 1);
    assert_true(queue_work_ack(f->a.sub.channel, f, 1));
    assert_int_equal(count(&f->worker.hungry), QUEUES - 1);
    rig_turn(&f->rig);
    check_got(&lanes[0], "m");
    assert_int_equal(f->worker.held, 1);
    for (int i = 0; i < QUEUES; i++)
        reader_close(&f->rig, &lanes[i]);
    core_purge(&f->rig.core);
}

/* Its other lane had a message, and no credit. */
static void test_what_a_lane_leaves_behind_gives_others_credit(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "/queue/a", "1");
    rig_post(&f->rig, "/queue/b", "x");
    check_got(&f->b, "");
    subscriber_leave(&f->a.sub);
    rig_turn(&f->rig);
    check_got(&f->b, "x");
    assert_int_equal(f->worker.held, 1);
}

static void say_many(struct fixture *f, const char *queue, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        rig_say_bytes(&f->rig, queue, "job", 3);
        if (i % 1024 == 0)
            rig_turn(&f->rig);
    }
    while (core_has_work(&f->rig.core))
        rig_turn(&f->rig);
}

/* By two workers of one client, each with credit for more than half of it. */
static void test_a_client_holds_no_more_than_the_bound(void **state)
{
    struct fixture *f = *state;
    struct worker other;
    worker_init(&other, &f->holder, 0, 0);
    f->b.sub.worker = &other;
    f->rig.rule.limit_bytes = UINT64_MAX;
    queue_work_set_credit(&f->worker, HOLDER_MAX - 5000);
    queue_work_set_credit(&other, HOLDER_MAX - 5000);
    say_many(f, "/queue/a", HOLDER_MAX);
    say_many(f, "/queue/b", HOLDER_MAX);
    assert_int_equal(f->worker.held, HOLDER_MAX - 5000);
    assert_int_equal(other.held, 5000);
    ack(f, &f->a, 1); /* the bound is for both: either may have it */
    assert_int_equal(f->holder.held, HOLDER_MAX);
    assert_int_equal(rig_count(&f->rig, COUNT_held_messages), HOLDER_MAX);
    f->worker.credit = 0; /* so that only the other one can go on */
    for (uint64_t number = 2; number <= 10; number++)
        ack(f, &f->a, number);
    assert_int_equal(f->holder.held, HOLDER_MAX);
    assert_in_range(other.held, 5009, 5010);
    reader_close(&f->rig, &f->b);
    worker_fini(&other);
}

/* Both a worker and a plain consumer leave messages behind. */
static void test_messages_left_behind_come_in_order(void **state)
{
    struct fixture *f = *state;
    struct reader plain, last;
    queue_work_set_credit(&f->worker, 9);
    f->a.appetite = 0;
    reader_open(&f->rig, &plain, "/queue/a", 0);
    rig_post(&f->rig, "/queue/a", "1 2 3 4 5 6");
    assert_int_equal(f->worker.held, 3);
    subscriber_leave(&plain.sub);
    subscriber_leave(&f->a.sub);
    reader_open(&f->rig, &last, "/queue/a", UINT64_MAX);
    rig_post(&f->rig, "/queue/a", "7");
    check_got(&last, "1 2 3 4 5 6 7");
    reader_close(&f->rig, &plain);
    reader_close(&f->rig, &last);
}

static void publish(struct fixture *f, const char *queue, const char *word,
                    uint64_t number)
{
    rig_say(&f->rig, queue, word);
    assert_int_equal(channel_receipt(rig_find(&f->rig, queue)).number, number);
    rig_turn(&f->rig);
}

/* Consumers without numbers had the messages, and left them behind, the last
 * ones first. */
static void test_a_message_keeps_the_number_of_its_receipt(void **state)
{
    struct fixture *f = *state;
    struct reader one, other;
    reader_open(&f->rig, &one, "/queue/q", 0);
    reader_open(&f->rig, &other, "/queue/q", 0);
    publish(f, "/queue/q", "1", 1);
    publish(f, "/queue/q", "2", 2);
    publish(f, "/queue/q", "3", 3);
    publish(f, "/queue/q", "4", 4);
    subscriber_leave(&one.sub);
    subscriber_leave(&other.sub);
    reader_close(&f->rig, &f->b);
    open_lane(f, &f->b, "/queue/q");
    check_got(&f->b, "1");
    const char *words[] = {"2", "3", "4", ""};
    for (uint64_t number = 1; number <= 4; number++) {
        ack(f, &f->b, number);
        check_got(&f->b, words[number - 1]);
    }
    reader_close(&f->rig, &one);
    reader_close(&f->rig, &other);
}

static void test_a_message_that_came_back_counts_as_waiting(void **state)
{
    struct fixture *f = *state;
    struct waiting left;
    queue_work_set_credit(&f->worker, 3);
    rig_post(&f->rig, "/queue/a", "1 22 333");
    subscriber_leave(&f->a.sub);
    rig_post(&f->rig, "/queue/a", "4");
    struct channel *ch = rig_find(&f->rig, "/queue/a");
    assert_int_equal(channel_receipt(ch).waits, 4);
    assert_int_equal(channel_depth(ch).messages, 4);
    assert_int_equal(channel_depth(ch).bytes, 4 * RIG_HEAD_BYTES + 7);
    struct waiting dropped = waiting_purge(
        &f->rig.core, (const uint8_t *)"/queue/a", strlen("/queue/a"), &left);
    assert_int_equal(dropped.messages, 4);
    assert_int_equal(dropped.bytes, 4 * RIG_HEAD_BYTES + 7);
    assert_int_equal(left.messages, 0);
    rig_turn(&f->rig);
    assert_null(rig_find(&f->rig, "/queue/a"));
}

struct gallery {
    char words[64];
    uint32_t most;
};

static bool show(void *arg, const uint8_t *message, uint32_t n, uint32_t age_ms)
{
    struct gallery *g = arg;
    (void)age_ms;
    strncat(g->words, (const char *)message + RIG_HEAD_BYTES,
            n - RIG_HEAD_BYTES);
    return --g->most > 0;
}

static const char *shown(struct fixture *f, struct gallery *g, uint32_t most)
{
    *g = (struct gallery){.most = most};
    struct waiting w = waiting_show(&f->rig.core, (const uint8_t *)"/queue/a",
                                    strlen("/queue/a"), show, g);
    assert_int_equal(w.messages, 5);
    return g->words;
}

/* And takes nothing from it. */
static void test_what_came_back_is_shown_in_order(void **state)
{
    struct fixture *f = *state;
    struct gallery g;
    queue_work_set_credit(&f->worker, 3);
    rig_post(&f->rig, "/queue/a", "1 2 3");
    subscriber_leave(&f->a.sub);
    rig_post(&f->rig, "/queue/a", "4 5");
    assert_string_equal(shown(f, &g, 2), "12");
    assert_string_equal(shown(f, &g, 4), "1234");
    assert_string_equal(shown(f, &g, 9), "12345");
    core_purge(&f->rig.core);
    assert_int_equal(rig_count(&f->rig, COUNT_dropped_stopping), 5);
}

enum { BLOCKS = 40, IN_A_BLOCK = 600 };

/* All but one message of each block are acknowledged. */
static void hold_one_of_each_block(struct fixture *f)
{
    uint64_t number = 0;
    f->rig.rule.limit_bytes = UINT64_MAX;
    f->rig.core.turn.config.prefetch_bytes = 1 << 20;
    queue_work_set_credit(&f->worker, HOLDER_MAX);
    for (int i = 0; i < BLOCKS; i++) {
        for (int k = 0; k < IN_A_BLOCK; k++)
            rig_say_bytes(&f->rig, "/queue/a", k == 300 ? "kept" : "done", 100);
        rig_turn(&f->rig);
        for (int k = 0; k < IN_A_BLOCK; k++) {
            queue_work_sent(&f->a.sub, ++number, 1);
            if (k != 300)
                assert_true(queue_work_ack(f->a.sub.channel, f, number));
        }
        rig_turn(&f->rig);
    }
    assert_int_equal(f->worker.held, BLOCKS);
}

/* They are what they were, and are handed out again. */
static void check_kept(struct fixture *f)
{
    struct reader plain;
    subscriber_leave(&f->a.sub);
    reader_open(&f->rig, &plain, "/queue/a", UINT64_MAX);
    while (core_has_work(&f->rig.core))
        rig_turn(&f->rig);
    assert_int_equal(plain.got_bytes, BLOCKS * (RIG_HEAD_BYTES + 100));
    for (int i = 0; i < BLOCKS; i++)
        assert_memory_equal(
            plain.got + i * (RIG_HEAD_BYTES + 100) + RIG_HEAD_BYTES, "kept", 5);
    reader_close(&f->rig, &plain);
}

static void test_a_job_that_takes_long_does_not_keep_its_block(void **state)
{
    struct fixture *f = *state;
    hold_one_of_each_block(f);
    const struct channel *ch = f->a.sub.channel;
    assert_true(ch->account.bytes > BLOCKS * (48 << 10));
    for (int i = 0; i < 4; i++) {
        rig_wait_ms(&f->rig, 500);
        core_tick(&f->rig.core);
        rig_turn(&f->rig);
    }
    assert_in_range(ch->account.bytes, BLOCKS * 103, BLOCKS * 103 + 512);
    assert_int_equal(core_alarm_ms(&f->rig.core), UINT32_MAX);
    check_kept(f);
}

static void rest(struct fixture *f)
{
    core_tick(&f->rig.core);
    core_tick(&f->rig.core);
    assert_false(core_is_ticking(&f->rig.core));
}

static const struct block *open_block(struct fixture *f)
{
    return rig_find(&f->rig, "/queue/a")->open;
}

static void test_open_block_stays_while_it_is_appended_to(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "/queue/a", "1");
    const uint8_t *bytes = open_block(f)->bytes;
    for (int i = 0; i < 50; i++) {
        core_tick(&f->rig.core);
        assert_true(core_is_ticking(&f->rig.core));
        rig_post(&f->rig, "/queue/a", "2");
    }
    rig_say(&f->rig, "/queue/a", "3");
    rest(f); /* in the middle of a turn */
    assert_int_equal(open_block(f)->capacity, BLOCK_BYTES);
    rig_turn(&f->rig);
    assert_ptr_equal(open_block(f)->bytes, bytes);
    rest(f);
    assert_int_equal(open_block(f)->capacity, BLOCK_MIN_BYTES);
}

static void test_no_open_block_is_large_while_memory_is_short(void **state)
{
    struct fixture *f = *state;
    rig_post(&f->rig, "/queue/a", "1");
    assert_int_equal(open_block(f)->capacity, BLOCK_BYTES);
    f->rig.budget.limit_bytes = f->rig.budget.used_bytes;
    rig_post(&f->rig, "/queue/b", "x");
    assert_in_range(open_block(f)->capacity, 1, BLOCK_MIN_BYTES);
    f->rig.budget.limit_bytes = 0;
}

static void test_few_queues_keep_large_open_blocks(void **state)
{
    struct fixture *f = *state;
    enum { N = 3 * SLACK_MAX };
    static struct reader lanes[N];
    char name[16];
    uint64_t before = f->rig.budget.used_bytes;
    queue_work_set_credit(&f->worker, N);
    for (int i = 0; i < N; i++) {
        (void)snprintf(name, sizeof name, "/queue/%d", i);
        open_lane(f, &lanes[i], name);
        rig_post(&f->rig, name, "a");
    }
    assert_in_range(f->rig.budget.used_bytes - before, SLACK_MAX * BLOCK_BYTES,
                    SLACK_MAX * BLOCK_BYTES + N * 3000);
    rest(f);
    assert_in_range(f->rig.budget.used_bytes - before, N, N * 3000);
    for (int i = 0; i < N; i++)
        reader_close(&f->rig, &lanes[i]);
}

static void test_a_job_keeps_no_block_while_memory_is_short(void **state)
{
    struct fixture *f = *state;
    hold_one_of_each_block(f);
    const struct channel *ch = f->a.sub.channel;
    f->rig.budget.limit_bytes = f->rig.budget.used_bytes * 100 / 90;
    rig_post(&f->rig, "/queue/b", "x");
    assert_in_range(ch->account.bytes, BLOCKS * 103, BLOCKS * 103 + 512);
    f->rig.budget.limit_bytes = 0;
    check_kept(f);
}

#define WORK_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, open_queues, close_queues)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORK_TEST(test_one_window_for_all_queues),
        WORK_TEST(test_a_lane_without_messages_keeps_no_credit),
        WORK_TEST(test_an_acknowledgement_is_of_the_holder_and_of_what_came),
        WORK_TEST(test_what_is_held_counts_in_the_queue_limit),
        WORK_TEST(test_credit_that_one_lane_cannot_use_is_for_another),
        WORK_TEST(test_one_acknowledgement_wakes_one_lane),
        WORK_TEST(test_what_a_lane_leaves_behind_gives_others_credit),
        WORK_TEST(test_a_client_holds_no_more_than_the_bound),
        WORK_TEST(test_messages_left_behind_come_in_order),
        WORK_TEST(test_a_message_keeps_the_number_of_its_receipt),
        WORK_TEST(test_a_message_that_came_back_counts_as_waiting),
        WORK_TEST(test_what_came_back_is_shown_in_order),
        WORK_TEST(test_a_job_that_takes_long_does_not_keep_its_block),
        WORK_TEST(test_open_block_stays_while_it_is_appended_to),
        WORK_TEST(test_no_open_block_is_large_while_memory_is_short),
        WORK_TEST(test_few_queues_keep_large_open_blocks),
        WORK_TEST(test_a_job_keeps_no_block_while_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
