/* SPDX-License-Identifier: MIT
 *
 * What a worker holds, gives back or leaves behind; the rest is by chance, in
 * queue_work_simulation_test.c.
 */
#include "broker/core/queue_work.h"

#include "broker/core/held.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

struct fixture {
    struct rig rig;
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
    worker_init(&f.worker, &f, 1, 0);
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
    assert_int_equal(f->worker.held, 0);
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
    queue_work_sent(&lane->sub, number);
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
    queue_work_sent(&f->a.sub, 1);
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

#define WORK_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, open_queues, close_queues)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORK_TEST(test_one_window_for_all_queues),
        WORK_TEST(test_a_lane_without_messages_keeps_no_credit),
        WORK_TEST(test_an_acknowledgement_is_of_the_holder_and_of_what_came),
        WORK_TEST(test_what_is_held_counts_in_the_queue_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
