/* SPDX-License-Identifier: MIT
 *
 * A survey takes at most a tenth of the loop's time, however much there is to
 * see, and one is enough for all that ask meanwhile.
 */
#include "broker/monitor/survey.h"

#include "broker/base/clock.h"
#include "broker/monitor/broker_view.h"
#include "broker/net/reactor.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

enum { PIECES = 6 };

static struct fixture {
    struct rig rig;
    struct reactor *reactor;
    struct broker_view broker;
    struct survey *survey;
    uint64_t conn; /* of the client shown last */
    uint64_t clients;
    uint64_t effort_us; /* of showing one */
    uint64_t spent_us;  /* showing all but the last */
    int done, periodic; /* surveys */
    struct survey_result result;
} f;

static void begin_clients(void *arg)
{
    (void)arg;
    f.conn = 0;
}

/* Shows one at a time. */
static bool show_clients(void *arg, size_t count, view_fn *visit,
                         void *visit_arg)
{
    static const struct peer peer;
    struct view v = {.kind = "open", .peer = &peer, .number = {[VIEW_IN] = 10}};
    uint64_t begun = clock_now_us();
    (void)arg;
    assert_true(count > 0);
    if (f.conn == f.clients)
        return false;
    while (clock_now_us() - begun < f.effort_us)
        continue;
    v.conn = ++f.conn;
    visit(visit_arg, &v);
    if (f.conn < f.clients)
        f.spent_us += clock_now_us() - begun;
    return true;
}

static void on_survey(void *arg, const struct survey_result *seen,
                      bool is_periodic)
{
    (void)arg;
    f.done++;
    f.periodic += is_periodic;
    f.result = *seen;
}

static bool end_turn(void *arg)
{
    (void)arg;
    return false;
}

static void run_until(int done)
{
    while (f.done < done)
        (void)reactor_turn(f.reactor, true, end_turn, NULL);
}

static int open_survey(void **state)
{
    (void)state;
    f = (struct fixture){.clients = 3};
    rig_open(&f.rig);
    f.reactor = reactor_new();
    f.broker = (struct broker_view){.reactor = f.reactor,
                                    .core = &f.rig.core,
                                    .begin_clients = begin_clients,
                                    .show_clients = show_clients};
    f.survey = survey_new(&f.broker, on_survey, NULL);
    return f.reactor && f.survey ? 0 : -1;
}

static int close_survey(void **state)
{
    (void)state;
    survey_free(f.survey);
    reactor_free(f.reactor);
    rig_close(&f.rig);
    return 0;
}

static void make_long(void)
{
    f.clients = PIECES;
    f.effort_us = 4 * SURVEY_PIECE_US;
}

static void test_few_are_seen_at_once(void **state)
{
    (void)state;
    rig_post(&f.rig, "/queue", "a b");
    f.broker.seq = 7;
    survey_start(f.survey, false);
    run_until(1);
    assert_int_equal(f.result.seq, 7);
    assert_int_equal(f.result.client_count, 3);
    assert_int_equal(f.result.clients.count, 3);
    assert_int_equal(f.result.channel_count, 1);
    assert_int_equal(f.result.channels.rows[0]->number[VIEW_IN], 2);
    assert_int_equal(f.result.steady.rows[0]->number[VIEW_IN], 2);
}

/* About: timers count in milliseconds, and from the beginning of a turn. */
static void test_many_take_a_tenth_of_the_time(void **state)
{
    (void)state;
    make_long();
    uint64_t begun = clock_now_us();
    survey_start(f.survey, false);
    assert_int_equal(f.conn, 1);
    run_until(1);
    uint64_t took = clock_now_us() - begun;
    assert_true(took >= f.spent_us * 6);
    assert_int_equal(f.result.client_count, PIECES);
}

static void test_others_share_the_one_that_runs(void **state)
{
    (void)state;
    make_long();
    survey_start(f.survey, true);
    survey_start(f.survey, false);
    survey_start(f.survey, true);
    run_until(1);
    assert_int_equal(f.periodic, 1);
    make_long();
    survey_start(f.survey, false);
    assert_int_equal(f.done, 1);
    run_until(2);
    assert_int_equal(f.periodic, 1);
}

static void test_periodic_one_follows_one_that_is_not(void **state)
{
    (void)state;
    make_long();
    survey_start(f.survey, false);
    survey_start(f.survey, true);
    run_until(1);
    assert_int_equal(f.periodic, 0);
    run_until(2);
    assert_int_equal(f.periodic, 1);
}

/* Else whoever asks over HTTP would take it from the feed. */
static void test_recent_is_since_the_last_periodic_one(void **state)
{
    (void)state;
    static const struct {
        bool is_periodic;
        uint64_t recent;
    } rows[] = {{false, 10}, {true, 10}, {false, 0}, {true, 0}};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        survey_start(f.survey, rows[i].is_periodic);
        run_until((int)i + 1);
        assert_int_equal(f.result.clients.rows[0]->number[VIEW_RECENT],
                         rows[i].recent);
    }
}

static void test_may_be_freed_while_it_runs(void **state)
{
    (void)state;
    make_long();
    survey_start(f.survey, true);
    assert_int_equal(f.done, 0);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, open_survey, close_survey)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_few_are_seen_at_once),
        TEST(test_many_take_a_tenth_of_the_time),
        TEST(test_others_share_the_one_that_runs),
        TEST(test_periodic_one_follows_one_that_is_not),
        TEST(test_recent_is_since_the_last_periodic_one),
        TEST(test_may_be_freed_while_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
