/* SPDX-License-Identifier: MIT
 *
 * What is parked is let through in order, as much at once as a read may bring,
 * and GO comes when its client may publish again, not before.
 */

#include "broker/core/core.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/units.h"
#include "tests/unit/unit.h"
#include "tests/unit/unit_rig.h"

enum { MANY = 1 << 20, BODY = 5000, SMALL = 10 };

/* The queue takes one message of BODY bytes, and no second one. */
static int fill(struct unit_rig *r)
{
    int client = unit_rig_client(r, "", MANY);
    unit_rig_say(r, client, "PUB /queue/a", BODY);
    return client;
}

static const struct parked *line_of(struct unit_rig *r, int client)
{
    const struct units *u = unit_rig_session(r, client)->units;
    assert_true(u && !list_is_empty(&u->parked));
    return LIST_OF(u->parked.next, struct parked, link);
}

static void test_publishes_pass_in_their_order(void **state)
{
    struct unit_rig *r = *state;
    int client = fill(r), consumer = unit_rig_client(r, "", MANY);
    unit_rig_say(r, client, "PUB /queue/a rid=1", BODY);
    unit_rig_say(r, client, "PUB /queue/a rid=2", SMALL);
    unit_rig_say(r, client, "PUB /queue/a rid=3", SMALL);
    unit_rig_check(r, client, "");
    unit_rig_say(r, consumer, "SUB /queue/a", 0);
    unit_rig_turns(r, 5);
    unit_rig_check(r, client,
                   "OK rid=1 seq=2 subs=1 held=1|OK rid=2 seq=3 subs=1 held=2|"
                   "OK rid=3 seq=4 subs=1 held=3|");
    unit_rig_check(r, consumer,
                   "MSG /queue/a 1|MSG /queue/a 2|MSG /queue/a 3|"
                   "MSG /queue/a 4|");
}

static void test_one_turn_lets_through_what_a_read_may_bring(void **state)
{
    struct unit_rig *r = *state;
    int client = fill(r), consumer = unit_rig_client(r, "", MANY);
    r->house.core.turn.config.turn_bytes = 3 * SMALL;
    for (int i = 0; i < 12; i++)
        unit_rig_say(r, client, i == 0 ? "PUB /queue/a" : "PUB /queue/a rid=1",
                     i == 0 ? BODY : SMALL);
    assert_int_equal(unit_rig_session(r, client)->units->parked_count, 12);
    unit_rig_say(r, consumer, "SUB /queue/a", 0);
    for (int i = 0, before = 12; i < 30 && before > 0; i++) {
        const struct units *u = unit_rig_session(r, client)->units;
        int left = u ? (int)u->parked_count : 0;
        assert_true(before - left <= 3);
        before = left;
        unit_rig_turns(r, 1);
    }
    assert_null(unit_rig_session(r, client)->units);
}

static void test_who_was_held_back_goes_on_when_there_is_room(void **state)
{
    struct unit_rig *r = *state;
    int client = fill(r), consumer = unit_rig_client(r, "", MANY);
    unit_rig_say(r, client, "PUB /queue/a", BODY);
    unit_rig_pass(r, PARKED_HOLD_MS + 20);
    unit_rig_check(r, client, "HOLD /queue/a|");
    unit_rig_say(r, consumer, "SUB /queue/a", 0);
    unit_rig_turns(r, 5);
    unit_rig_check(r, client, "GO /queue/a|");
}

static void test_go_is_not_said_while_the_channel_is_full(void **state)
{
    struct unit_rig *r = *state;
    int client = fill(r), consumer = unit_rig_client(r, "", MANY);
    unit_rig_say(r, client, "PUB /queue/a", BODY + BODY); /* fills it alone */
    unit_rig_pass(r, PARKED_HOLD_MS + 20);
    unit_rig_check(r, client, "HOLD /queue/a|");
    unit_rig_say(r, consumer, "SUB /queue/a ack=yes", 0);
    unit_rig_turns(r, 3);
    unit_rig_say(r, consumer, "ACK /queue/a 1", 0);
    unit_rig_turns(r, 3);
    unit_rig_check(r, client, ""); /* what the worker holds counts as well */
    assert_true(line_of(r, client)->is_told);
    unit_rig_say(r, consumer, "ACK /queue/a 2", 0);
    unit_rig_turns(r, 3);
    unit_rig_check(r, client, "GO /queue/a|");
}

static void test_what_memory_refuses_does_not_make_the_loop_spin(void **state)
{
    struct unit_rig *r = *state;
    struct core *core = &r->house.core;
    int client = fill(r), consumer = unit_rig_client(r, "", MANY);
    unit_rig_say(r, client, "PUB /queue/a", BODY);
    unit_rig_turns(r, 2);
    r->house.budget.limit_bytes = BODY; /* less than what is parked */
    unit_rig_say(r, consumer, "SUB /queue/a", 0);
    unit_rig_say(r, consumer, "UNSUB /queue/a", 0);
    unit_rig_turns(r, 5);
    assert_false(core_has_work(core));
    r->house.budget.limit_bytes = 0;
}

#define RELEASE_TEST(test)                                                     \
    cmocka_unit_test_setup_teardown(test, unit_rig_open, unit_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELEASE_TEST(test_publishes_pass_in_their_order),
        RELEASE_TEST(test_one_turn_lets_through_what_a_read_may_bring),
        RELEASE_TEST(test_who_was_held_back_goes_on_when_there_is_room),
        RELEASE_TEST(test_go_is_not_said_while_the_channel_is_full),
        RELEASE_TEST(test_what_memory_refuses_does_not_make_the_loop_spin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
