/* SPDX-License-Identifier: MIT
 *
 * A client that is silent for a period is pinged, and ends after another;
 * whatever shows that it lives begins the period again.
 */
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
