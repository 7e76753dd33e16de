/* SPDX-License-Identifier: MIT
 *
 * How sessions of version 2 end: in order, with BYE, and giving up what they
 * hold, whatever they wait for at that moment.
 */
#include <string.h>

#include "broker/net/reactor.h"
#include "broker/session/state.h"
#include "broker/session/units/units.h"
#include "tests/unit/unit.h"
#include "tests/unit/unit_rig.h"

enum { SMALL = 1000, MANY = 1 << 20, STUCK = 6000, LONG = 90000 };

static void
test_a_client_that_takes_nothing_more_gives_up_what_it_holds(void **state)
{
    struct unit_rig *r = *state;
    int worker = unit_rig_client(r, "", SMALL);
    int other = unit_rig_client(r, "", MANY);
    unit_rig_say(r, worker, "SUB /queue/a ack=yes", 0);
    unit_rig_say(r, other, "PUB /queue/a", 10);
    unit_rig_check(r, worker, "MSG /queue/a 1|");
    r->appetite[worker] = 0;
    for (int i = 0; unit_rig_session(r, worker)->state == SESSION_OPEN; i++) {
        assert_true(i < 100000);
        unit_rig_say(r, worker, "PING 0123456789012345678901234567890", 0);
    }
    virtual_end(worker, VIRTUAL_CLOSED);
    unit_rig_turns(r, 3);
    unit_rig_say(r, other, "SUB /queue/a ack=yes", 0);
    unit_rig_turns(r, 2);
    unit_rig_check(r, other, "MSG /queue/a 1 try=2|");
}

static void
test_a_doomed_client_gets_bye_whatever_its_answers_wait_for(void **state)
{
    struct unit_rig *r = *state;
    int reader = unit_rig_client(r, "", SMALL);
    int other = unit_rig_client(r, "", MANY);
    unit_rig_say(r, reader, "SUB cut", 0); /* its policy is `disconnect` */
    unit_rig_say(r, reader, "SUB /a", 0);
    r->appetite[reader] = 0;
    unit_rig_say(r, other, "PUB /a", STUCK);
    unit_rig_say(r, reader, "UNSUB /a rid=1", 0);
    assert_true(unit_rig_session(r, reader)->units->barrier.is_set);
    for (int i = 0; i < 3; i++)
        unit_rig_say(r, other, "PUB cut", STUCK);
    unit_rig_turns(r, 3);
    r->appetite[reader] = SIZE_MAX;
    unit_rig_turns(r, 50);
    const char *heard = unit_rig_heard(r, reader);
    assert_non_null(strstr(heard, "OK rid=1 seq=1|"));
    assert_non_null(strstr(heard, "ERR overrun|"));
    assert_string_equal(heard + strlen(heard) - 4, "BYE|");
}

static void
test_a_client_that_is_sent_away_gets_the_answer_it_waits_for(void **state)
{
    struct unit_rig *r = *state;
    int reader = unit_rig_client(r, "", SMALL);
    int other = unit_rig_client(r, "", MANY);
    unit_rig_say(r, reader, "SUB /a", 0);
    unit_rig_say(r, reader, "SUB /b", 0);
    unit_rig_say(r, reader, "SUB /c", 0);
    r->appetite[reader] = 0;
    unit_rig_say(r, other, "PUB /a", STUCK);
    unit_rig_say(r, other, "PUB /b", STUCK);
    unit_rig_say(r, other, "PUB /c", STUCK);
    unit_rig_say(r, reader, "UNSUB /c rid=1", 0);
    assert_true(unit_rig_session(r, reader)->units->barrier.is_set);
    clients_finish(&r->house.clients);
    r->appetite[reader] = SIZE_MAX;
    unit_rig_turns(r, 50);
    const char *heard = unit_rig_heard(r, reader);
    const char *answer = strstr(heard, "OK rid=1 seq=1|");
    assert_non_null(answer);
    assert_true(strstr(heard, "MSG /c 1 ") < answer);
    assert_string_equal(heard + strlen(heard) - 4, "BYE|");
}

static void
test_a_leaver_that_takes_a_long_message_slowly_is_waited_for(void **state)
{
    struct unit_rig *r = *state;
    int reader = unit_rig_client(r, "", SMALL);
    int other = unit_rig_client(r, "", MANY);
    uint32_t leave_ms = r->house.clients.config.leave_ms;
    unit_rig_say(r, reader, "SUB /a", 0);
    r->appetite[reader] = SMALL;
    unit_rig_say(r, other, "PUB /a", LONG);
    unit_rig_turns(r, 20);
    unit_rig_say(r, reader, "BYE rid=1", 0);
    for (int i = 0; i < 2 * LONG / SMALL; i++)
        unit_rig_pass(r, leave_ms / 2);
    const char *heard = unit_rig_heard(r, reader);
    assert_string_equal(heard, "MSG /a 1 new=1|OK rid=1|BYE|$");
}

static void test_a_leaver_that_takes_nothing_is_not(void **state)
{
    struct unit_rig *r = *state;
    int reader = unit_rig_client(r, "", SMALL);
    int other = unit_rig_client(r, "", MANY);
    unit_rig_say(r, reader, "SUB /a", 0);
    r->appetite[reader] = 0;
    unit_rig_say(r, other, "PUB /a", LONG);
    unit_rig_turns(r, 20);
    unit_rig_say(r, reader, "BYE rid=1", 0);
    unit_rig_pass(r, r->house.clients.config.leave_ms + 1);
    unit_rig_check(r, reader, "$");
}

/* It can leave only when what it published has room, which is late. */
static void test_a_leaver_has_time_to_take_its_bye(void **state)
{
    struct unit_rig *r = *state;
    int leaver = unit_rig_client(r, "", 9);
    int other = unit_rig_client(r, "", MANY);
    uint32_t leave_ms = r->house.clients.config.leave_ms;
    unit_rig_say(r, other, "PUB /queue/a", STUCK);
    unit_rig_say(r, leaver, "PUB /queue/a", STUCK);
    unit_rig_say(r, leaver, "BYE rid=1", 0);
    unit_rig_pass(r, leave_ms - 10);
    r->appetite[leaver] = 0;
    unit_rig_say(r, other, "SUB /queue/a", 0);
    unit_rig_turns(r, 2);
    unit_rig_check(r, leaver, "");
    unit_rig_pass(r, leave_ms - 10);
    r->appetite[leaver] = SIZE_MAX;
    unit_rig_turns(r, 100);
    unit_rig_check(r, leaver, "OK rid=1|BYE|");
}

/* What it was owed it does not take any more: nothing is left to deliver. */
static void
test_a_client_that_takes_nothing_more_does_not_delay_a_stop(void **state)
{
    struct unit_rig *r = *state;
    int reader = unit_rig_client(r, "", SMALL);
    int other = unit_rig_client(r, "", MANY);
    unit_rig_say(r, reader, "SUB /a", 0);
    r->appetite[reader] = 0;
    unit_rig_say(r, other, "PUB /a", STUCK);
    core_stop(&r->house.core);
    clients_drain(&r->house.clients);
    unit_rig_turns(r, 2);
    assert_false(clients_are_drained(&r->house.clients));
    virtual_end(reader, VIRTUAL_CLOSED);
    unit_rig_turns(r, 3);
    assert_true(clients_are_drained(&r->house.clients));
}

#define ENDS_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, unit_rig_open, unit_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENDS_TEST(test_a_client_that_takes_nothing_more_gives_up_what_it_holds),
        ENDS_TEST(test_a_doomed_client_gets_bye_whatever_its_answers_wait_for),
        ENDS_TEST(test_a_client_that_is_sent_away_gets_the_answer_it_waits_for),
        ENDS_TEST(test_a_leaver_that_takes_a_long_message_slowly_is_waited_for),
        ENDS_TEST(test_a_leaver_that_takes_nothing_is_not),
        ENDS_TEST(test_a_leaver_has_time_to_take_its_bye),
        ENDS_TEST(test_a_client_that_takes_nothing_more_does_not_delay_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
