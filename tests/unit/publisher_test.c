/* SPDX-License-Identifier: MIT
 *
 * A publisher waits at every full channel that it published to, once at each,
 * and goes on when all of them have admitted it.
 */
#include "broker/core/publisher.h"

#include <stdio.h>

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

struct fixture {
    struct rig rig;
    struct publisher a, b;
};

static int open_queues(void **state)
{
    static struct fixture f;
    rig_open(&f.rig);
    publisher_init(&f.a);
    publisher_init(&f.b);
    for (int i = 0; i < 2; i++)
        rig_say_bytes(&f.rig, i ? "/queue/y" : "/queue/x", "full",
                      RIG_QUEUE_LIMIT);
    rig_turn(&f.rig);
    *state = &f;
    return 0;
}

static int close_queues(void **state)
{
    struct fixture *f = *state;
    publisher_forget(&f->a);
    publisher_forget(&f->b);
    rig_close(&f->rig);
    return 0;
}

static void wait(struct fixture *f, struct publisher *p, const char *channel)
{
    struct channel *ch = rig_find(&f->rig, channel);
    assert_true(channel_must_wait(ch));
    publisher_wait(p, ch, false);
    assert_true(publisher_is_waiting(p));
}

/* A consumer takes what the queue holds, and leaves. */
static void empty(struct fixture *f, const char *channel)
{
    struct reader reader;
    reader_open(&f->rig, &reader, channel, UINT64_MAX);
    rig_turn(&f->rig);
    reader_close(&f->rig, &reader);
}

static void test_waits_at_every_full_channel(void **state)
{
    struct fixture *f = *state;
    struct publisher *out[2];
    wait(f, &f->a, "/queue/x");
    wait(f, &f->a, "/queue/y");
    wait(f, &f->b, "/queue/y");
    empty(f, "/queue/x");
    assert_int_equal(rig_resumed(&f->rig, out, 2), 0);
    empty(f, "/queue/y");
    assert_int_equal(rig_resumed(&f->rig, out, 2), 2);
    assert_ptr_equal(out[0], &f->a);
}

static void test_has_one_place_at_a_channel(void **state)
{
    struct fixture *f = *state;
    struct publisher *out[2];
    wait(f, &f->a, "/queue/x");
    wait(f, &f->a, "/queue/x");
    assert_int_equal(f->a.wait_count, 1);
    empty(f, "/queue/x");
    assert_int_equal(rig_resumed(&f->rig, out, 2), 1);
}

static void test_places_are_bounded(void **state)
{
    struct fixture *f = *state;
    char name[32];
    for (int i = 0; i < 2 * PUBLISHER_WAITS_MAX; i++) {
        snprintf(name, sizeof name, "/queue/%d", i);
        rig_say_bytes(&f->rig, name, "full", RIG_QUEUE_LIMIT);
    }
    rig_turn(&f->rig);
    for (int i = 0; i < 2 * PUBLISHER_WAITS_MAX; i++) {
        snprintf(name, sizeof name, "/queue/%d", i);
        wait(f, &f->a, name);
    }
    assert_int_equal(f->a.wait_count, PUBLISHER_WAITS_MAX);
}

static void test_leaving_gives_up_every_place(void **state)
{
    struct fixture *f = *state;
    struct publisher *out[2];
    wait(f, &f->a, "/queue/x");
    wait(f, &f->a, "/queue/y");
    wait(f, &f->b, "/queue/y");
    publisher_forget(&f->a);
    publisher_forget(&f->a);
    assert_false(publisher_is_waiting(&f->a));
    empty(f, "/queue/x");
    empty(f, "/queue/y");
    assert_int_equal(rig_resumed(&f->rig, out, 2), 1);
    assert_ptr_equal(out[0], &f->b);
}

static void test_says_which_channel_it_waits_for(void **state)
{
    struct fixture *f = *state;
    struct publisher *out[2];
    assert_null(publisher_waits_for(&f->a));
    wait(f, &f->a, "/queue/x");
    wait(f, &f->a, "/queue/y");
    wait(f, &f->b, "/queue/y");
    channel_open_gate(rig_find(&f->rig, "/queue/y"));
    assert_ptr_equal(publisher_waits_for(&f->a), rig_find(&f->rig, "/queue/x"));
    assert_ptr_equal(publisher_waits_for(&f->b), rig_find(&f->rig, "/queue/y"));
    channel_close_gate(rig_find(&f->rig, "/queue/y"));
    empty(f, "/queue/x");
    empty(f, "/queue/y");
    assert_null(publisher_waits_for(&f->a)); /* resumed, and not notified yet */
    assert_int_equal(rig_resumed(&f->rig, out, 2), 2);
}

/* Resuming one may close the connection of another. */
static void test_admitted_one_may_leave_before_it_is_resumed(void **state)
{
    struct fixture *f = *state;
    struct publisher *out[2];
    wait(f, &f->a, "/queue/x");
    wait(f, &f->b, "/queue/x");
    f->rig.leaver = &f->b;
    empty(f, "/queue/x");
    assert_int_equal(rig_resumed(&f->rig, out, 2), 1);
    assert_ptr_equal(out[0], &f->a);
}

#define PUBLISHER_TEST(test)                                                   \
    cmocka_unit_test_setup_teardown(test, open_queues, close_queues)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUBLISHER_TEST(test_waits_at_every_full_channel),
        PUBLISHER_TEST(test_has_one_place_at_a_channel),
        PUBLISHER_TEST(test_places_are_bounded),
        PUBLISHER_TEST(test_says_which_channel_it_waits_for),
        PUBLISHER_TEST(test_leaving_gives_up_every_place),
        PUBLISHER_TEST(test_admitted_one_may_leave_before_it_is_resumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
