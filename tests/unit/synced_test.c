/* SPDX-License-Identifier: MIT
 *
 * Receipts of version 2 that say that a message is on disk: when they come, in
 * which order, what comes instead, and that their number is bounded.
 */
#include "broker/session/units/synced.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/core.h"
#include "broker/session/units/units.h"
#include "tests/unit/store_fake.h"
#include "tests/unit/unit.h"
#include "tests/unit/unit_rig.h"

enum { MANY = 1 << 20, BODY = 10, LARGE = 5000, PLAIN_RULE = 2 };

struct fixture {
    struct unit_rig *rig;
    struct store_fake store;
    int a, b; /* clients */
};

static struct core *core_of(struct fixture *f)
{
    return &f->rig->house.core;
}

/* All queues are durable, except /queue/plain. */
static void begin_rules(struct house *h)
{
    for (size_t i = 0; i < HOUSE_RULES; i++) {
        h->rules[i].is_durable = i != PLAIN_RULE;
        h->rules[i].limit_bytes = MANY;
    }
    h->rules[PLAIN_RULE].pattern = pattern_plain("/queue/plain");
}

static int open_fixture(void **state)
{
    static struct fixture f;
    void *rig;
    if (unit_rig_open(&rig) != 0)
        return -1;
    f = (struct fixture){.rig = rig};
    begin_rules(&f.rig->house);
    store_fake_init(&f.store, core_of(&f)->turn.config.message_size);
    f.store.is_lazy = true;
    assert_true(core_open_store(core_of(&f), &store_fake_ops, &f.store));
    f.a = unit_rig_client(f.rig, "", MANY);
    f.b = unit_rig_client(f.rig, "", MANY);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    void *rig = f->rig;
    store_fake_close(&f->store);
    core_reap(core_of(f));
    int left = unit_rig_close(&rig);
    store_fake_fini(&f->store);
    return left;
}

/* The store does all it was asked, or so much of it. */
static void disk(struct fixture *f, uint32_t tickets)
{
    store_fake_do(&f->store, tickets);
    core_reap(core_of(f));
    unit_rig_turns(f->rig, 2);
}

static void set_state(struct fixture *f, enum store_state state)
{
    store_fake_set_state(&f->store, state);
    core_reap(core_of(f));
    unit_rig_turns(f->rig, 2);
}

static uint64_t count(struct fixture *f, enum counter_id id)
{
    return house_count(&f->rig->house, id);
}

static void say(struct fixture *f, int client, const char *head)
{
    unit_rig_say(f->rig, client, head, BODY);
}

static void check(struct fixture *f, int client, const char *heard)
{
    unit_rig_check(f->rig, client, heard);
}

static void test_the_receipt_comes_when_the_message_is_on_disk(void **state)
{
    struct fixture *f = *state;
    say(f, f->a, "PUB /queue/q confirm=sync rid=1");
    unit_rig_turns(f->rig, 5);
    check(f, f->a, "");
    assert_int_equal(count(f, COUNT_sync_waiting), 1);
    disk(f, 1);
    check(f, f->a, "OK rid=1 seq=1 subs=0 held=1 sync=1|");
    assert_int_equal(count(f, COUNT_sync_waiting), 0);
}

static void test_a_receipt_of_its_place_comes_at_once(void **state)
{
    struct fixture *f = *state;
    say(f, f->a, "PUB /queue/q rid=1");
    say(f, f->a, "PUB /queue/q rid=2 confirm=route");
    check(f, f->a,
          "OK rid=1 seq=1 subs=0 held=1|OK rid=2 seq=2 subs=0 held=2|");
}

static void test_a_channel_that_is_not_durable_confirms_at_once(void **state)
{
    struct fixture *f = *state;
    say(f, f->a, "PUB /queue/q confirm=sync rid=1");
    say(f, f->a, "PUB /queue/plain confirm=sync rid=2");
    say(f, f->a, "PUB /t confirm=sync rid=3");
    check(f, f->a,
          "OK rid=2 seq=1 subs=0 held=1|OK rid=3 seq=0 subs=0 drop=0|");
    disk(f, 9);
    check(f, f->a, "OK rid=1 seq=1 subs=0 held=1 sync=1|");
}

/* What waits for the disk delays those behind it, of the same connection. */
static void test_receipts_keep_the_order_of_the_publishes(void **state)
{
    struct fixture *f = *state;
    say(f, f->a, "PUB /queue/q confirm=sync rid=1");
    say(f, f->a, "PUB /queue/q rid=2");
    say(f, f->b, "PUB /queue/q rid=3");
    say(f, f->a, "PUB /queue/q rid=4 confirm=sync");
    check(f, f->a, "");
    check(f, f->b, "OK rid=3 seq=3 subs=0 held=3|");
    disk(f, 1);
    check(f, f->a, "OK rid=1 seq=1 subs=0 held=1 sync=1|");
    disk(f, 9);
    check(f, f->a,
          "OK rid=2 seq=2 subs=0 held=2|OK rid=4 seq=4 subs=0 held=4 sync=1|");
}

/* Heads that are alike but for their rids are not parsed; the receipts are the
 * same, wherever the option stands. */
static void check_many_in_one_read(struct fixture *f, const char *before,
                                   const char *after)
{
    static char expected[UNIT_RIG_HEARD];
    char head[64];
    size_t n = 0;
    for (int i = 1; i <= 1500; i++) {
        (void)snprintf(head, sizeof head, "PUB /queue/q%s rid=%d%s", before, i,
                       after);
        unit_rig_put(f->rig, f->a, head, BODY);
        n += (size_t)snprintf(expected + n, sizeof expected - n,
                              "OK rid=%d seq=%d subs=0 held=%d sync=1|", i, i,
                              i);
    }
    unit_rig_turns(f->rig, 3);
    check(f, f->a, "");
    assert_int_equal(count(f, COUNT_sync_waiting), 1500);
    disk(f, UINT32_MAX);
    check(f, f->a, expected);
}

static void test_many_in_one_read_are_confirmed_one_by_one(void **state)
{
    check_many_in_one_read(*state, " confirm=sync", "");
}

static void test_the_same_when_the_rid_comes_first(void **state)
{
    check_many_in_one_read(*state, "", " confirm=sync");
}

/* One behind another in one read; each is answered as it asked to be. */
static void test_a_burst_ends_where_the_option_changes(void **state)
{
    static const char *const heads[] = {
        "PUB /queue/q rid=1 confirm=sync",  "PUB /queue/q rid=2 confirm=sync",
        "PUB /queue/q rid=3 confirm=route", "PUB /queue/q rid=4",
        "PUB /queue/q confirm=sync rid=5",  "PUB /queue/q confirm=sync rid=6",
        "PUB /queue/q confirm=sync",        "PUB /queue/q rid=7 confirm=sync"};
    struct fixture *f = *state;
    for (size_t i = 0; i < UNIT_COUNT(heads); i++)
        unit_rig_put(f->rig, f->a, heads[i], BODY);
    unit_rig_turns(f->rig, 3);
    check(f, f->a, "");
    disk(f, UINT32_MAX);
    check(f, f->a,
          "OK rid=1 seq=1 subs=0 held=1 sync=1|"
          "OK rid=2 seq=2 subs=0 held=2 sync=1|"
          "OK rid=3 seq=3 subs=0 held=3|OK rid=4 seq=4 subs=0 held=4|"
          "OK rid=5 seq=5 subs=0 held=5 sync=1|"
          "OK rid=6 seq=6 subs=0 held=6 sync=1|"
          "OK rid=7 seq=8 subs=0 held=8 sync=1|");
}

/* The heads of a topic are kept with its messages. */
static void test_a_burst_to_a_topic_may_have_the_option_anywhere(void **state)
{
    static const char *const heads[] = {
        "PUB /t rid=1 confirm=sync",  "PUB /t rid=2 confirm=sync",
        "PUB /t rid=3 confirm=sync",  "PUB /t rid=4 confirm=sync Unit=C",
        "PUB /t confirm=route rid=5", "PUB /t confirm=route rid=6"};
    struct fixture *f = *state;
    unit_rig_say(f->rig, f->b, "SUB /t", 0);
    for (size_t i = 0; i < UNIT_COUNT(heads); i++)
        unit_rig_put(f->rig, f->a, heads[i], BODY);
    unit_rig_turns(f->rig, 3);
    check(f, f->a,
          "OK rid=1 seq=1 subs=1 drop=0|OK rid=2 seq=2 subs=1 drop=0|"
          "OK rid=3 seq=3 subs=1 drop=0|OK rid=4 seq=4 subs=1 drop=0|"
          "OK rid=5 seq=5 subs=1 drop=0|OK rid=6 seq=6 subs=1 drop=0|");
    check(
        f, f->b,
        "MSG /t 1 new=1|MSG /t 2|MSG /t 3|MSG /t 4 Unit=C|MSG /t 5|MSG /t 6|");
}

static void test_route_receipts_in_a_burst_wait_behind_others(void **state)
{
    struct fixture *f = *state;
    unit_rig_put(f->rig, f->a, "PUB /queue/q confirm=sync rid=1", BODY);
    for (int i = 0; i < 5; i++)
        unit_rig_put(f->rig, f->a, "PUB /queue/q rid=2", BODY);
    unit_rig_turns(f->rig, 2);
    check(f, f->a, "");
    disk(f, UINT32_MAX);
    assert_non_null(strstr(unit_rig_heard(f->rig, f->a), "OK rid=1 seq=1 "));
}

static void test_without_a_rid_nothing_is_confirmed(void **state)
{
    struct fixture *f = *state;
    say(f, f->a, "PUB /queue/q confirm=sync");
    disk(f, 9);
    check(f, f->a, "");
    assert_int_equal(store_fake_count(&f->store, "/queue/q"), 1);
}

static void test_a_full_disk_refuses_and_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    set_state(f, STORE_FULL);
    say(f, f->a, "PUB /queue/q confirm=sync rid=1");
    check(f, f->a, "ERR full rid=1|");
    assert_int_equal(count(f, COUNT_messages_in), 0);
    assert_int_equal(count(f, COUNT_channels), 0);
    say(f, f->a, "PUB /queue/plain confirm=sync rid=2");
    check(f, f->a, "OK rid=2 seq=1 subs=0 held=1|");
    set_state(f, STORE_OPEN);
    say(f, f->a, "PUB /queue/q confirm=sync rid=3");
    disk(f, 9);
    check(f, f->a, "OK rid=3 seq=1 subs=0 held=1 sync=1|");
}

/* Also where heads are not parsed. */
static void test_a_full_disk_refuses_what_follows_a_burst(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++)
        say(f, f->a, "PUB /queue/q confirm=sync rid=1");
    set_state(f, STORE_FULL);
    say(f, f->a, "PUB /queue/q confirm=sync rid=4");
    say(f, f->a, "PUB /queue/q confirm=sync rid=5");
    check(f, f->a, "ERR full rid=4|ERR full rid=5|");
    set_state(f, STORE_OPEN);
    disk(f, UINT32_MAX);
    assert_int_equal(store_fake_count(&f->store, "/queue/q"), 3);
}

static void
test_what_was_taken_before_is_confirmed_when_there_is_space(void **state)
{
    struct fixture *f = *state;
    say(f, f->a, "PUB /queue/q confirm=sync rid=1");
    set_state(f, STORE_FULL);
    check(f, f->a, "");
    set_state(f, STORE_OPEN);
    disk(f, 9);
    check(f, f->a, "OK rid=1 seq=1 subs=0 held=1 sync=1|");
}

/* What a store says that is nearly full: what follows is refused, or waits. */
static void test_a_message_for_which_there_is_no_room_is_refused(void **state)
{
    struct fixture *f = *state;
    f->store.space = (struct store_room){.bytes = LARGE, .most = LARGE};
    core_reap(core_of(f));
    unit_rig_say(f->rig, f->a, "PUB /queue/q confirm=sync rid=1", 2 * LARGE);
    check(f, f->a, "ERR full rid=1|");
    say(f, f->a, "PUB /queue/q confirm=sync rid=2");
    unit_rig_say(f->rig, f->a, "PUB /queue/plain confirm=sync rid=3",
                 2 * LARGE);
    disk(f, 9);
    check(f, f->a,
          "OK rid=3 seq=1 subs=0 held=1|"
          "OK rid=2 seq=1 subs=0 held=1 sync=1|");
}

/* Of those that come in one read, no more is taken than there certainly is room
 * for. */
static void test_what_a_nearly_full_disk_took_is_confirmed(void **state)
{
    struct fixture *f = *state;
    f->store.space = (struct store_room){.bytes = LARGE, .most = MANY};
    core_reap(core_of(f));
    for (int i = 0; i < 5; i++)
        unit_rig_put(f->rig, f->a, "PUB /queue/q confirm=sync rid=1",
                     LARGE / 3);
    unit_rig_turns(f->rig, 5);
    assert_int_equal(count(f, COUNT_parked_messages), 3);
    store_fake_do(&f->store, 9);
    f->store.space = (struct store_room){0, 0};
    set_state(f, STORE_FULL);
    check(f, f->a,
          "OK rid=1 seq=1 subs=0 held=1 sync=1|"
          "OK rid=1 seq=2 subs=0 held=2 sync=1|"
          "ERR full rid=1|ERR full rid=1|ERR full rid=1|");
    assert_int_equal(store_fake_pending(&f->store), 0);
}

/* The queue takes one LARGE message. */
static void park(struct fixture *f)
{
    f->rig->house.rules[HOUSE_RULES - 1].limit_bytes = LARGE;
    unit_rig_say(f->rig, f->a, "PUB /queue/q confirm=sync rid=1", LARGE);
    unit_rig_say(f->rig, f->a, "PUB /queue/q confirm=sync rid=2", LARGE);
    say(f, f->a, "PUB /queue/q rid=3");
    say(f, f->a, "PUB /queue/q confirm=sync rid=4");
    unit_rig_say(f->rig, f->a, "PUB /queue/plain confirm=sync rid=5", LARGE);
    assert_int_equal(count(f, COUNT_parked_messages), 3);
    (void)unit_rig_heard(f->rig, f->a);
}

/* They would wait as long as the disk has no room. */
static void test_what_is_parked_is_refused_by_a_full_disk(void **state)
{
    struct fixture *f = *state;
    park(f);
    set_state(f, STORE_FULL);
    check(f, f->a, "ERR full rid=2|ERR full rid=4|");
    set_state(f, STORE_OPEN);
    unit_rig_say(f->rig, f->b, "SUB /queue/q", 0);
    disk(f, 9);
    unit_rig_pass(f->rig, 100); /* the consumer's kernel confirms it */
    disk(f, 9);
    check(f, f->a,
          "OK rid=1 seq=1 subs=0 held=1 sync=1|OK rid=3 seq=2 subs=1 held=1|");
    check(f, f->b, "MSG /queue/q 1|MSG /queue/q 2|");
}

static void test_what_is_parked_is_refused_by_a_disk_that_failed(void **state)
{
    struct fixture *f = *state;
    park(f);
    unit_rig_pass(f->rig, 200);
    check(f, f->a, "HOLD /queue/q|");
    set_state(f, STORE_FAILED);
    check(f, f->a, "ERR disk rid=1|ERR disk rid=2|ERR disk rid=4|");
}

static void test_a_disk_that_failed_confirms_nothing_any_more(void **state)
{
    struct fixture *f = *state;
    say(f, f->a, "PUB /queue/q confirm=sync rid=1");
    say(f, f->a, "PUB /queue/q confirm=sync rid=2");
    say(f, f->a, "PUB /queue/q rid=3");
    disk(f, 1);
    check(f, f->a, "OK rid=1 seq=1 subs=0 held=1 sync=1|");
    set_state(f, STORE_FAILED);
    check(f, f->a, "ERR disk rid=2|OK rid=3 seq=3 subs=0 held=3|");
    say(f, f->a, "PUB /queue/q confirm=sync rid=4");
    check(f, f->a, "ERR disk rid=4|");
    say(f, f->a, "PUB /queue/plain confirm=sync rid=5");
    check(f, f->a, "OK rid=5 seq=1 subs=0 held=1|");
}

static void test_a_goodbye_waits_for_the_receipts(void **state)
{
    struct fixture *f = *state;
    say(f, f->a, "PUB /queue/q confirm=sync rid=1");
    unit_rig_say(f->rig, f->a, "BYE rid=2", 0);
    for (int i = 0; i < 5; i++)
        unit_rig_pass(f->rig, 2000); /* --drain-timeout is 3 s */
    check(f, f->a, "");
    disk(f, 9);
    check(f, f->a, "OK rid=1 seq=1 subs=0 held=1 sync=1|OK rid=2|BYE|");
}

static void test_the_receipts_of_a_client_that_left_are_dropped(void **state)
{
    struct fixture *f = *state;
    say(f, f->a, "PUB /queue/q confirm=sync rid=1");
    say(f, f->b, "PUB /queue/q confirm=sync rid=2");
    virtual_end(f->a, VIRTUAL_RESET);
    unit_rig_turns(f->rig, 2);
    assert_int_equal(count(f, COUNT_sync_waiting), 1);
    disk(f, 9);
    check(f, f->b, "OK rid=2 seq=2 subs=0 held=2 sync=1|");
}

static void test_the_broker_knows_of_receipts_when_it_stops(void **state)
{
    struct fixture *f = *state;
    say(f, f->a, "PUB /queue/q confirm=sync rid=1");
    assert_false(
        session_kinds[SESSION_UNITS]->is_drained(&f->rig->house.clients));
    disk(f, 9);
    assert_true(
        session_kinds[SESSION_UNITS]->is_drained(&f->rig->house.clients));
}

/* Publishes until the session is read no more. Returns how many. */
static uint32_t flood(struct fixture *f)
{
    uint32_t n = 0;
    f->a = unit_rig_client(f->rig, "", MANY / 16);
    while (count(f, COUNT_sync_rests) == 0 && n < MANY) {
        for (int i = 0; i < 100; i++, n++)
            unit_rig_put(f->rig, f->a, "PUB /queue/q confirm=sync rid=1", 0);
        unit_rig_turns(f->rig, 1);
    }
    return n;
}

static uint64_t waiting_bytes(struct fixture *f)
{
    return unit_rig_session(f->rig, f->a)->units->synced.receipts->bytes;
}

static void test_a_publisher_is_not_read_while_too_many_wait(void **state)
{
    struct fixture *f = *state;
    uint32_t said = flood(f);
    assert_true(waiting_bytes(f) >= SYNCED_MAX);
    assert_true(waiting_bytes(f) < SYNCED_MAX + 100);
    unit_rig_put(f->rig, f->a, "PING end", 0);
    unit_rig_turns(f->rig, 3);
    check(f, f->a, "");
    assert_int_equal(count(f, COUNT_sync_rests), 1);
    for (int i = 0; i < 40; i++) {
        disk(f, UINT32_MAX);
        unit_rig_heard(f->rig, f->a);
    }
    assert_int_equal(store_fake_count(&f->store, "/queue/q"), said);
    assert_int_equal(count(f, COUNT_sync_waiting), 0);
}

/* It may have to acknowledge what would make room on the disk. */
static void test_a_full_disk_has_the_publisher_read_on(void **state)
{
    struct fixture *f = *state;
    (void)flood(f);
    unit_rig_put(f->rig, f->a, "PING end", 0);
    set_state(f, STORE_FULL);
    unit_rig_turns(f->rig, 5);
    assert_non_null(strstr(unit_rig_heard(f->rig, f->a), "PONG end|"));
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(test_##name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(the_receipt_comes_when_the_message_is_on_disk),
        TEST(a_receipt_of_its_place_comes_at_once),
        TEST(a_channel_that_is_not_durable_confirms_at_once),
        TEST(receipts_keep_the_order_of_the_publishes),
        TEST(many_in_one_read_are_confirmed_one_by_one),
        TEST(the_same_when_the_rid_comes_first),
        TEST(a_burst_ends_where_the_option_changes),
        TEST(a_burst_to_a_topic_may_have_the_option_anywhere),
        TEST(route_receipts_in_a_burst_wait_behind_others),
        TEST(without_a_rid_nothing_is_confirmed),
        TEST(a_full_disk_refuses_and_leaves_no_trace),
        TEST(a_full_disk_refuses_what_follows_a_burst),
        TEST(what_was_taken_before_is_confirmed_when_there_is_space),
        TEST(a_message_for_which_there_is_no_room_is_refused),
        TEST(what_a_nearly_full_disk_took_is_confirmed),
        TEST(what_is_parked_is_refused_by_a_full_disk),
        TEST(what_is_parked_is_refused_by_a_disk_that_failed),
        TEST(a_disk_that_failed_confirms_nothing_any_more),
        TEST(a_goodbye_waits_for_the_receipts),
        TEST(the_receipts_of_a_client_that_left_are_dropped),
        TEST(the_broker_knows_of_receipts_when_it_stops),
        TEST(a_publisher_is_not_read_while_too_many_wait),
        TEST(a_full_disk_has_the_publisher_read_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
