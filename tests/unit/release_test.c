/* SPDX-License-Identifier: MIT
 *
 * What is parked is let through in order, as much at once as a read may bring,
 * and GO comes when its client may publish again, not before.
 */

#include <string.h>

#include "broker/core/core.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/units.h"
#include "tests/unit/unit.h"
#include "tests/unit/unit_rig.h"

enum { MANY = 1 << 20, BODY = 5000, SMALL = 10 };

#define RECEIPT "OK rid=1 seq=0 subs=0 drop=0|"

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

static uint32_t parked_units(struct unit_rig *r, int client)
{
    const struct units *u = unit_rig_session(r, client)->units;
    return u ? u->parked_count : 0;
}

/* Both clients have much to publish to a queue that has just become empty. */
static void test_a_turn_lets_through_a_few_of_many_small_units(void **state)
{
    enum { UNITS = 500, PART = 64 };
    struct unit_rig *r = *state;
    int consumer = unit_rig_client(r, "", MANY);
    int clients[2] = {fill(r), unit_rig_client(r, "", MANY)};
    uint32_t before[2];
    unit_rig_say(r, clients[0], "PUB /queue/a", BODY);
    for (int i = 0; i < 2 * UNITS; i++)
        unit_rig_say(r, clients[i % 2], "PUB /queue/a", 1);
    unit_rig_say(r, consumer, "SUB /queue/a", 0);
    for (int turns = 0; parked_units(r, clients[1]) > 0; turns++) {
        assert_true(turns < 2 * UNITS / PART + 10);
        for (int i = 0; i < 2; i++)
            before[i] = parked_units(r, clients[i]);
        unit_rig_turns(r, 1);
        for (int i = 0; i < 2; i++)
            assert_true(before[i] - parked_units(r, clients[i]) <= PART);
        int32_t ahead = (int32_t)(before[0] - before[1]);
        assert_true(ahead >= -PART && ahead <= PART); /* neither is */
    }
    assert_true(parked_units(r, clients[0]) <= 1);
}

/* The only reader of a topic is busy, and goes: nothing waits for it then. */
static void test_units_pass_in_parts_when_their_channel_has_ended(void **state)
{
    enum { UNITS = 200, PART = 64 };
    struct unit_rig *r = *state;
    int reader = unit_rig_client(r, "", SMALL);
    int client = unit_rig_client(r, "", MANY);
    r->appetite[reader] = 0;
    unit_rig_say(r, reader, "SUB /t", 0);
    unit_rig_say(r, client, "PUB /t", BODY);
    unit_rig_say(r, client, "PUB /t", BODY);
    for (int i = 0; i < UNITS; i++)
        unit_rig_say(r, client, "PUB /t rid=1", SMALL);
    assert_int_equal(parked_units(r, client), UNITS);
    virtual_end(reader, VIRTUAL_RESET);
    for (uint32_t before = UNITS; before > 0;) {
        unit_rig_turns(r, 1);
        uint32_t left = parked_units(r, client);
        assert_true(before - left <= PART);
        before = left;
    }
    unit_rig_turns(r, 1);
    const char *heard = unit_rig_heard(r, client);
    for (int i = 0; i < UNITS; i++, heard += strlen(RECEIPT))
        assert_memory_equal(heard, RECEIPT, strlen(RECEIPT));
    assert_string_equal(heard, "");
    assert_int_equal(house_count(&r->house, COUNT_channels), 0);
}

static void test_a_turn_lets_through_no_more_than_a_read_may_bring(void **state)
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
        RELEASE_TEST(test_a_turn_lets_through_a_few_of_many_small_units),
        RELEASE_TEST(test_units_pass_in_parts_when_their_channel_has_ended),
        RELEASE_TEST(test_a_turn_lets_through_no_more_than_a_read_may_bring),
        RELEASE_TEST(test_who_was_held_back_goes_on_when_there_is_room),
        RELEASE_TEST(test_go_is_not_said_while_the_channel_is_full),
        RELEASE_TEST(test_what_memory_refuses_does_not_make_the_loop_spin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
