/* SPDX-License-Identifier: MIT
 *
 * Publishers wait for subscribers that are busy; what stalled ones cost them is
 * bounded, however many of these there are and however often they come back.
 */
#include "broker/core/patience.h"

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

enum {
    PATIENCE_MS = 5000,
    MANY = 100,
    RUN_MS = 600000,
    MESSAGE_BYTES = 500, /* half of the bound */
};

struct fixture {
    struct rig rig;
    struct reader fast; /* of "t" */
    struct reader stalled[MANY];
    uint32_t waited_ms; /* for which publishers had to wait */
};

static int open_topic(void **state)
{
    static struct fixture f;
    f.waited_ms = 0;
    rig_open(&f.rig);
    f.rig.rule.patience_ms = PATIENCE_MS;
    reader_open(&f.rig, &f.fast, "t", UINT64_MAX);
    *state = &f;
    return 0;
}

static int close_topic(void **state)
{
    struct fixture *f = *state;
    reader_close(&f->rig, &f->fast);
    rig_close(&f->rig);
    return 0;
}

static bool must_wait(struct fixture *f)
{
    struct channel *ch = rig_find(&f->rig, "t");
    return ch && channel_must_wait(ch);
}

/* Publishes as much as it may, while time passes. */
static void flood(struct fixture *f, uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i += CORE_TICK_MS) {
        for (int n = 0; n < 3 && !must_wait(f); n++) {
            rig_say_bytes(&f->rig, "t", "", MESSAGE_BYTES - RIG_HEAD_BYTES);
            rig_turn(&f->rig);
        }
        if (must_wait(f))
            f->waited_ms += CORE_TICK_MS;
        rig_wait_ms(&f->rig, CORE_TICK_MS);
        f->fast.got_bytes = 0;
        for (int n = 0; n < MANY; n++)
            f->stalled[n].got_bytes = 0;
    }
}

static void come(struct fixture *f, int n, uint64_t appetite)
{
    for (int i = 0; i < n; i++)
        reader_open(&f->rig, &f->stalled[i], "t", appetite);
}

static void leave(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++)
        reader_close(&f->rig, &f->stalled[i]);
}

/* Reads less than comes for long enough to be known as healthy. */
static void earn(struct fixture *f, int n)
{
    for (int ms = 0; ms < 6 * PATIENCE_MS; ms += 1000) {
        for (int i = 0; i < n; i++)
            reader_feed(&f->rig, &f->stalled[i], RIG_CLIENT_LIMIT);
        flood(f, 1000);
    }
    for (int i = 0; i < n; i++) {
        assert_true(f->stalled[i].sub.has_read);
        reader_feed(&f->rig, &f->stalled[i], UINT64_MAX);
    }
    assert_int_equal(f->rig.slow, 0);
    f->waited_ms = 0;
}

static void check_a_tenth(const struct fixture *f, uint32_t run_ms)
{
    /* The patience that there is in the beginning comes on top. */
    assert_in_range(f->waited_ms, 1, run_ms / 10 + 2 * PATIENCE_MS);
}

static void test_one_that_takes_nothing_is_waited_for_one_second(void **state)
{
    struct fixture *f = *state;
    come(f, 1, 0);
    flood(f, RUN_MS);
    assert_in_range(f->waited_ms, 1000, 1000 + CORE_TICK_MS);
    assert_int_equal(f->stalled[0].sub.state, SUBSCRIBER_SLOW);
    leave(f, 1);
}

static void check_is_waited_for(struct fixture *f, struct reader *reader)
{
    reader->appetite = 0;
    flood(f, PATIENCE_MS - 100);
    assert_int_equal(reader->sub.state, SUBSCRIBER_BUSY);
    reader_feed(&f->rig, reader, UINT64_MAX);
    assert_int_equal(reader->sub.state, SUBSCRIBER_OK);
    assert_int_equal(reader->sub.dropped, 0);
}

static void test_one_that_reads_is_waited_for_longer(void **state)
{
    struct fixture *f = *state;
    come(f, 1, 0);
    flood(f, 900);
    reader_feed(&f->rig, &f->stalled[0], 2 * RIG_CLIENT_LIMIT);
    flood(f, 900);
    reader_feed(&f->rig, &f->stalled[0], 2 * RIG_CLIENT_LIMIT);
    check_is_waited_for(f, &f->stalled[0]);
    leave(f, 1);
}

/* More than the kernel could have taken for it. */
static void test_one_that_read_much_ahead_is_waited_for_longer(void **state)
{
    struct fixture *f = *state;
    f->rig.rule.client_limit_bytes = 8 << 20;
    come(f, 1, UINT64_MAX);
    for (int i = 0; i < 64; i++) {
        rig_say_bytes(&f->rig, "t", "", 1 << 18);
        rig_turn(&f->rig);
    }
    f->stalled[0].appetite = 0;
    for (int i = 0; i < 64; i++) {
        rig_say_bytes(&f->rig, "t", "", 1 << 18);
        rig_turn(&f->rig);
    }
    check_is_waited_for(f, &f->stalled[0]);
    leave(f, 1);
}

static void test_one_that_was_there_is_waited_for_after_others(void **state)
{
    struct fixture *f = *state;
    reader_open(&f->rig, &f->stalled[1], "t", UINT64_MAX);
    come(f, 1, 0);
    flood(f, 2000);
    assert_int_equal(f->stalled[0].sub.state, SUBSCRIBER_SLOW);
    f->stalled[1].appetite = 0;
    flood(f, 900);
    assert_int_equal(f->stalled[1].sub.state, SUBSCRIBER_BUSY);
    reader_feed(&f->rig, &f->stalled[1], UINT64_MAX);
    assert_int_equal(f->stalled[1].sub.dropped, 0);
    leave(f, 2);
}

static void test_one_that_comes_back_costs_a_tenth(void **state)
{
    struct fixture *f = *state;
    for (int ms = 0; ms < RUN_MS; ms += 1200) {
        come(f, 1, 0);
        flood(f, 1200);
        leave(f, 1);
    }
    check_a_tenth(f, RUN_MS);
    assert_int_equal(f->fast.sub.dropped, 0);
}

static void test_one_that_leaves_before_it_is_slow_costs_no_more(void **state)
{
    struct fixture *f = *state;
    for (int ms = 0; ms < RUN_MS; ms += 900) {
        come(f, 1, 2 * RIG_CLIENT_LIMIT);
        flood(f, 900);
        leave(f, 1);
    }
    check_a_tenth(f, RUN_MS);
}

static void
test_a_hundred_that_come_one_after_another_cost_a_tenth(void **state)
{
    struct fixture *f = *state;
    come(f, MANY, 0);
    for (int ms = 0; ms < RUN_MS; ms += 100) {
        struct reader *r = &f->stalled[ms / 100 % MANY];
        reader_close(&f->rig, r);
        reader_open(&f->rig, r, "t", 3 * RIG_CLIENT_LIMIT);
        flood(f, 100);
    }
    check_a_tenth(f, RUN_MS);
    leave(f, MANY);
}

static void test_one_that_sips_and_comes_back_costs_a_tenth(void **state)
{
    struct fixture *f = *state;
    for (int ms = 0; ms < RUN_MS; ms += PATIENCE_MS) {
        come(f, 1, 0);
        for (int i = 0; i < PATIENCE_MS; i += 100) {
            reader_feed(&f->rig, &f->stalled[0], 1);
            flood(f, 100);
        }
        leave(f, 1);
    }
    check_a_tenth(f, RUN_MS);
}

/* The topic goes with its only subscriber, but not what it remembers. */
static void test_one_that_is_alone_costs_a_tenth(void **state)
{
    struct fixture *f = *state;
    reader_close(&f->rig, &f->fast);
    for (int ms = 0; ms < RUN_MS; ms += 1200) {
        come(f, 1, 0);
        flood(f, 1200);
        leave(f, 1);
    }
    check_a_tenth(f, RUN_MS);
    assert_non_null(rig_find(&f->rig, "t"));
    for (int i = 0; i < 101; i++)
        rig_wait_ms(&f->rig, PATIENCE_MS / 5 + CORE_TICK_MS);
    assert_null(rig_find(&f->rig, "t"));
    assert_false(core_is_ticking(&f->rig.core));
}

static void test_a_healthy_one_is_waited_for_whoever_else_comes(void **state)
{
    struct fixture *f = *state;
    come(f, 1, 0);
    earn(f, 1);
    f->stalled[0].appetite = UINT64_MAX;
    for (int ms = 0; ms < RUN_MS; ms += 3000) { /* until nothing is left */
        reader_open(&f->rig, &f->stalled[1], "t", 0);
        for (int i = 0; i < 30; i++) {
            reader_feed(&f->rig, &f->stalled[1], 1);
            flood(f, 100);
        }
        reader_close(&f->rig, &f->stalled[1]);
    }
    check_a_tenth(f, RUN_MS);
    check_is_waited_for(f, &f->stalled[0]);
    leave(f, 1);
}

static void test_what_was_earned_is_spent_once(void **state)
{
    struct fixture *f = *state;
    come(f, 1, 0);
    earn(f, 1);
    f->stalled[0].appetite = 0;
    flood(f, RUN_MS);
    assert_in_range(f->waited_ms, PATIENCE_MS, PATIENCE_MS + CORE_TICK_MS);
    assert_false(f->stalled[0].sub.has_read);
    leave(f, 1);
}

static void test_many_that_were_healthy_cost_no_more_than_a_tenth(void **state)
{
    struct fixture *f = *state;
    come(f, 20, 0);
    earn(f, 20);
    for (int i = 0; i < 20; i++)
        f->stalled[i].appetite = UINT64_MAX;
    for (int i = 0; i < 20; i++) {
        f->stalled[i].appetite = 0;
        flood(f, PATIENCE_MS);
        reader_close(&f->rig, &f->stalled[i]);
        reader_open(&f->rig, &f->stalled[i], "t", UINT64_MAX);
    }
    check_a_tenth(f, 20 * PATIENCE_MS);
    leave(f, 20);
}

/* Slower than the publishers, but steady: all wait for it, and it loses
 * nothing, whatever the others do. */
static void test_a_steady_one_is_waited_for_without_end(void **state)
{
    struct fixture *f = *state;
    reader_open(&f->rig, &f->stalled[1], "t", UINT64_MAX);
    for (int ms = 0; ms < RUN_MS; ms += 1000) {
        reader_feed(&f->rig, &f->stalled[1], RIG_CLIENT_LIMIT);
        flood(f, 1000);
    }
    assert_int_equal(f->rig.slow, 0);
    assert_int_equal(f->stalled[1].sub.dropped, 0);
    assert_true(f->waited_ms > RUN_MS / 2);
    reader_close(&f->rig, &f->stalled[1]);
}

static void test_waits_at_the_same_time_are_paid_for_once(void **state)
{
    struct fixture *f = *state;
    struct patience *p = NULL;
    struct channel *ch = rig_find(&f->rig, "t");
    clock_ms start = f->rig.core.turn.now;
    assert_true(patience_allows(p, 1000, 0, start, start + 1000));
    core_set_now(&f->rig.core, start + 900);
    patience_charge(&p, ch, 1000, start + 100);
    patience_charge(&p, ch, 1000, start + 500);
    assert_int_equal(p->left_ms, 200);
    assert_true(patience_allows(p, 1000, 200, start, start + 900));
    assert_false(patience_allows(p, 1000, 0, start, start + 1200));
    assert_true(patience_allows(p, 1000, -1000, start, start + 1200));
    assert_false(patience_is_full(p, 1000, start + 900 + 15999));
    assert_true(patience_is_full(p, 1000, start + 900 + 16000));
    core_set_now(&f->rig.core, start + 90000);
    patience_charge(&p, ch, 1000, start + 900);
    assert_int_equal(p->left_ms, -1000);
    patience_free(p);
    assert_null(p);
}

#define PATIENCE_TEST(test)                                                    \
    cmocka_unit_test_setup_teardown(test, open_topic, close_topic)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PATIENCE_TEST(test_one_that_takes_nothing_is_waited_for_one_second),
        PATIENCE_TEST(test_one_that_reads_is_waited_for_longer),
        PATIENCE_TEST(test_one_that_read_much_ahead_is_waited_for_longer),
        PATIENCE_TEST(test_one_that_was_there_is_waited_for_after_others),
        PATIENCE_TEST(test_one_that_comes_back_costs_a_tenth),
        PATIENCE_TEST(test_one_that_leaves_before_it_is_slow_costs_no_more),
        PATIENCE_TEST(test_a_hundred_that_come_one_after_another_cost_a_tenth),
        PATIENCE_TEST(test_one_that_sips_and_comes_back_costs_a_tenth),
        PATIENCE_TEST(test_one_that_is_alone_costs_a_tenth),
        PATIENCE_TEST(test_a_healthy_one_is_waited_for_whoever_else_comes),
        PATIENCE_TEST(test_what_was_earned_is_spent_once),
        PATIENCE_TEST(test_many_that_were_healthy_cost_no_more_than_a_tenth),
        PATIENCE_TEST(test_a_steady_one_is_waited_for_without_end),
        PATIENCE_TEST(test_waits_at_the_same_time_are_paid_for_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
