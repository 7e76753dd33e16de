/* SPDX-License-Identifier: MIT
 *
 * A client that is silent for a period is pinged, and ends after another;
 * whatever shows that it lives begins the period again.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tests/unit/unit_rig.h"

enum { MANY = 1 << 20, SMALL = 1000, PERIOD_MS = 1000, BROKERS_MS = 20000 };

static void check_silence(struct unit_rig *r, const char *options,
                          uint32_t period_ms)
{
    int client = unit_rig_client(r, options, MANY);
    unit_rig_pass(r, period_ms - 100);
    unit_rig_check(r, client, "");
    unit_rig_pass(r, 200);
    unit_rig_check(r, client, "PING|");
    unit_rig_pass(r, period_ms + 100);
    unit_rig_check(r, client, "ERR idle|BYE|");
}

static void test_silence_of_two_periods_ends_a_client(void **state)
{
    struct unit_rig *r = *state;
    check_silence(r, "", BROKERS_MS);
    check_silence(r, " ping=1s", PERIOD_MS);
}

static void check_life(struct unit_rig *r, const char *options,
                       uint32_t period_ms)
{
    int client = unit_rig_client(r, options, MANY);
    for (int i = 0; i < 5; i++) {
        unit_rig_pass(r, period_ms + 100);
        unit_rig_check(r, client, "PING|");
        unit_rig_say(r, client, "PONG", 0);
    }
}

static void test_an_answer_begins_the_period_again(void **state)
{
    check_life(*state, "", BROKERS_MS);
    check_life(*state, " ping=1s", PERIOD_MS);
}

static void test_without_a_period_nobody_is_pinged(void **state)
{
    struct unit_rig *r = *state;
    int client = unit_rig_client(r, " ping=0s", MANY);
    unit_rig_pass(r, 10 * BROKERS_MS);
    unit_rig_check(r, client, "");
}

/* The length of a body, and now and then an octet of it. */
static void check_slow_message(struct unit_rig *r, const char *options,
                               uint32_t period_ms)
{
    static const char begin[] = "\0\0\0\6PUB /a\0\0\x40\0";
    int client = unit_rig_client(r, options, MANY);
    virtual_send(client, begin, sizeof begin - 1);
    for (int i = 0; i < 12; i++) {
        unit_rig_pass(r, period_ms / 4);
        virtual_send(client, "x", 1);
        unit_rig_turns(r, 1);
    }
    unit_rig_check(r, client, "");
}

static void test_a_message_that_is_coming_is_a_sign_of_life(void **state)
{
    check_slow_message(*state, "", BROKERS_MS);
    check_slow_message(*state, " ping=1s", PERIOD_MS);
}

/* One octet each second, of a head, or of a short body. */
static void check_drip(struct unit_rig *r, const char *begin, size_t n)
{
    int client = unit_rig_client(r, "", MANY);
    uint32_t frame_ms = r->house.clients.config.frame_ms;
    virtual_send(client, begin, n);
    unit_rig_turns(r, 1);
    for (uint32_t ms = 0; ms < frame_ms; ms += 1000) {
        unit_rig_check(r, client, "");
        unit_rig_pass(r, 1000);
        virtual_send(client, "x", 1);
        unit_rig_turns(r, 1);
    }
    unit_rig_check(r, client, "ERR proto|BYE|");
}

static void test_a_drip_ends_a_client_in_time(void **state)
{
    check_drip(*state, "\0\0\x10\0PING ", 9);
    check_drip(*state, "\0\0\0\6PUB /a\0\0\1\0", 14);
}

static void test_units_that_come_in_time_do_not(void **state)
{
    struct unit_rig *r = *state;
    int client = unit_rig_client(r, "", MANY);
    static const char ping[] = "\0\0\0\6PING x\0\0\0\0";
    for (size_t i = 0; i < 5 * (sizeof ping - 1); i++) {
        virtual_send(client, ping + i % (sizeof ping - 1), 1);
        unit_rig_pass(r, 500);
    }
    unit_rig_check(r, client, "PONG x|PONG x|PONG x|PONG x|PONG x|");
}

static void check_slow_reader(struct unit_rig *r, const char *options,
                              uint32_t period_ms)
{
    int reader = unit_rig_client(r, options, SMALL);
    int other = unit_rig_client(r, " ping=0s", MANY);
    unit_rig_say(r, reader, "SUB /a", 0);
    r->appetite[reader] = 0;
    unit_rig_say(r, other, "PUB /a", 20 * SMALL);
    for (int i = 0; i < 12; i++) {
        unit_rig_pass(r, period_ms / 4);
        (void)virtual_take(reader, SMALL / 2);
    }
    assert_null(strstr(unit_rig_heard(r, reader), "BYE"));
    assert_non_null(unit_rig_session(r, reader));
}

static void test_taking_output_is_a_sign_of_life(void **state)
{
    check_slow_reader(*state, " ping=1s", PERIOD_MS);
}

/* A client that is not read: more than `hold` is parked, for a queue that has
 * no room, and its next unit stays in the kernel. */
static int held_back(struct unit_rig *r, const char *options,
                     const char *channel)
{
    int client = unit_rig_client(r, options, MANY);
    char head[40];
    (void)snprintf(head, sizeof head, "PUB %s", channel);
    for (int i = 0; i < 5; i++)
        unit_rig_say(r, client, head, 5 * SMALL);
    unit_rig_say(r, client, "PING x", 0);
    assert_true(virtual_unread(client) > 0);
    (void)unit_rig_heard(r, client);
    return client;
}

static void check_unread(struct unit_rig *r, const char *options,
                         uint32_t period_ms, enum virtual_end end)
{
    int client = held_back(r, options, "/queue/a");
    virtual_end(client, end);
    for (int i = 0; i < 5; i++) {
        unit_rig_pass(r, period_ms + 100);
        unit_rig_check(r, client, "PING|");
    }
    int consumer = unit_rig_client(r, " ping=0s", MANY);
    unit_rig_say(r, consumer, "SUB /queue/a rid=1", 0);
    unit_rig_turns(r, 10);
    unit_rig_say(r, consumer, "UNSUB /queue/a", 0);
    unit_rig_check(r, client,
                   end == VIRTUAL_OPEN ? "PONG x|GO /queue/a|"
                                       : "PONG x|BYE|$");
}

static void test_who_is_not_read_need_not_be_heard(void **state)
{
    check_unread(*state, "", BROKERS_MS, VIRTUAL_OPEN);
    check_unread(*state, " ping=1s", PERIOD_MS, VIRTUAL_OPEN);
}

static void test_who_has_closed_its_side_cannot_be_heard(void **state)
{
    check_unread(*state, "", BROKERS_MS, VIRTUAL_HALF);
    check_unread(*state, " ping=1s", PERIOD_MS, VIRTUAL_HALF);
}

/* So one whose kernel is silent has gone. */
static void check_silent_kernel(struct unit_rig *r, const char *options,
                                uint32_t period_ms)
{
    int client = held_back(r, options, "/queue/a");
    r->appetite[client] = 0;
    unit_rig_pass(r, period_ms + 100);
    unit_rig_check(r, client, "PING|");
    unit_rig_pass(r, period_ms + 100);
    unit_rig_check(r, client, "ERR idle|");
}

static void test_an_unread_client_ends_when_nothing_is_confirmed(void **state)
{
    check_silent_kernel(*state, "", BROKERS_MS);
    check_silent_kernel(*state, " ping=1s", PERIOD_MS);
}

/* A client that wanted no PING has one as well when its end has come. */
static void check_gone(struct unit_rig *r, const char *options)
{
    int client = held_back(r, options, "/queue/a");
    virtual_end(client, VIRTUAL_CLOSED);
    for (int i = 0; i < 4 && unit_rig_session(r, client); i++)
        unit_rig_pass(r, BROKERS_MS + 100);
    assert_null(unit_rig_session(r, client));
}

static void test_an_unread_client_that_has_gone_is_noticed(void **state)
{
    check_gone(*state, "");
    check_gone(*state, " ping=1s");
    check_gone(*state, " ping=0s");
}

/* Each holds what fills the queue that the other publishes to. */
static void test_gone_workers_do_not_wait_for_each_other(void **state)
{
    struct unit_rig *r = *state;
    int one = unit_rig_client(r, "", MANY), two = unit_rig_client(r, "", MANY);
    unit_rig_say(r, one, "SUB /queue/a ack=yes", 0);
    unit_rig_say(r, two, "SUB /queue/b ack=yes", 0);
    for (int i = 0; i < 6; i++) {
        unit_rig_put(r, one, "PUB /queue/b", 5 * SMALL);
        unit_rig_say(r, two, "PUB /queue/a", 5 * SMALL);
    }
    assert_true(virtual_unread(one) > 0 && virtual_unread(two) > 0);
    virtual_end(one, VIRTUAL_CLOSED);
    virtual_end(two, VIRTUAL_CLOSED);
    for (int i = 0; i < 4; i++)
        unit_rig_pass(r, BROKERS_MS + 100);
    assert_null(unit_rig_session(r, one));
    assert_null(unit_rig_session(r, two));
    int heir = unit_rig_client(r, "", MANY);
    unit_rig_say(r, heir, "SUB /queue/a", 0);
    unit_rig_turns(r, 5);
    assert_memory_equal(unit_rig_heard(r, heir), "MSG /queue/a 1 try=2|", 21);
}

#define KEEPALIVE_TEST(test)                                                   \
    cmocka_unit_test_setup_teardown(test, unit_rig_open, unit_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEEPALIVE_TEST(test_silence_of_two_periods_ends_a_client),
        KEEPALIVE_TEST(test_an_answer_begins_the_period_again),
        KEEPALIVE_TEST(test_without_a_period_nobody_is_pinged),
        KEEPALIVE_TEST(test_a_message_that_is_coming_is_a_sign_of_life),
        KEEPALIVE_TEST(test_a_drip_ends_a_client_in_time),
        KEEPALIVE_TEST(test_units_that_come_in_time_do_not),
        KEEPALIVE_TEST(test_taking_output_is_a_sign_of_life),
        KEEPALIVE_TEST(test_who_is_not_read_need_not_be_heard),
        KEEPALIVE_TEST(test_who_has_closed_its_side_cannot_be_heard),
        KEEPALIVE_TEST(test_an_unread_client_ends_when_nothing_is_confirmed),
        KEEPALIVE_TEST(test_an_unread_client_that_has_gone_is_noticed),
        KEEPALIVE_TEST(test_gone_workers_do_not_wait_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
