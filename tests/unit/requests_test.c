/* SPDX-License-Identifier: MIT
 *
 * Requests and their replies, also those that wait for room at the requester:
 * one answer each, in time, whoever leaves, and nothing is left of them.
 */
#include "broker/session/units/requests.h"

#include <string.h>

#include "broker/core/channel.h"
#include "broker/session/units/replies.h"
#include "broker/session/units/units.h"
#include "tests/fuzz/faults.h"
#include "tests/unit/unit.h"
#include "tests/unit/unit_rig.h"

enum { MANY = 1 << 20, SMALL = 100, FAILURES = 60, PATIENCE_MS = 1000 };

struct pair {
    int asks, replies;
    char address[40]; /* of the request that the second one has got */
};

/* The reply address of a message, as its reader spells it. */
static void read_address(struct unit_rig *r, struct pair *p)
{
    const char *heard = unit_rig_heard(r, p->replies);
    const char *found = strstr(heard, "reply=");
    assert_non_null(found);
    memcpy(p->address, found + 6, 33);
    p->address[33] = '\0';
}

static void reply(struct unit_rig *r, const struct pair *p, const char *rid)
{
    char head[80] = "PUB ";
    strcat(strcat(head, p->address), rid);
    unit_rig_say(r, p->replies, head, 10);
    unit_rig_turns(r, 2);
}

static struct pair ask(struct unit_rig *r, size_t capacity)
{
    struct pair p = {.asks = unit_rig_client(r, "", capacity),
                     .replies = unit_rig_client(r, "", MANY)};
    unit_rig_say(r, p.replies, "SUB /svc/a", 0);
    unit_rig_say(r, p.asks, "REQ /svc/a rid=q", 10);
    unit_rig_turns(r, 1);
    read_address(r, &p);
    return p;
}

/* More than it may have unsent. */
static void fill_answers(struct unit_rig *r, int client)
{
    r->appetite[client] = 0;
    for (int i = 0; i < 2000; i++)
        unit_rig_put(r, client, "PING 01234567890123456789012345678901", 0);
    unit_rig_turns(r, 20);
    assert_true(unit_rig_session(r, client)->units->answers->bytes >
                UNITS_ANSWERS_MAX);
}

static void test_a_request_finds_readers_that_only_wildcards_make(void **state)
{
    struct unit_rig *r = *state;
    int asks = unit_rig_client(r, "", MANY);
    int replies = unit_rig_client(r, "", MANY);
    unit_rig_say(r, replies, "SUB /svc/*", 0);
    unit_rig_say(r, asks, "REQ /svc/new rid=q", 10);
    unit_rig_turns(r, 2);
    assert_non_null(strstr(unit_rig_heard(r, replies), "MSG /svc/new 1"));
    unit_rig_check(r, asks, "");
}

static void test_without_a_reader_there_is_no_responder(void **state)
{
    struct unit_rig *r = *state;
    int asks = unit_rig_client(r, "", MANY);
    (void)unit_rig_client_v1(r, "/svc/a"); /* it could not reply */
    unit_rig_say(r, asks, "REQ /svc/a rid=1", 10);
    unit_rig_say(r, asks, "REQ /svc/b rid=2", 10);
    unit_rig_check(r, asks, "ERR no-responder rid=1|ERR no-responder rid=2|");
    assert_int_equal(r->house.clients.hub->requests.count, 0);
}

static void test_the_first_reply_counts(void **state)
{
    struct unit_rig *r = *state;
    struct pair p = ask(r, MANY);
    reply(r, &p, " rid=1");
    reply(r, &p, " rid=2");
    unit_rig_check(r, p.asks, "REP rid=q|");
    unit_rig_check(r, p.replies, "OK rid=1|ERR gone rid=2|");
}

static void test_a_request_ends_in_time(void **state)
{
    struct unit_rig *r = *state;
    struct pair p = ask(r, MANY);
    unit_rig_pass(r, 4900); /* it said no timeout: five seconds */
    unit_rig_check(r, p.asks, "");
    unit_rig_pass(r, 200);
    unit_rig_check(r, p.asks, "ERR timeout rid=q|");
    reply(r, &p, " rid=1");
    unit_rig_check(r, p.replies, "ERR gone rid=1|");
}

static void test_a_reply_waits_until_half_of_the_answers_are_taken(void **state)
{
    struct unit_rig *r = *state;
    struct pair p = ask(r, SMALL);
    fill_answers(r, p.asks);
    reply(r, &p, " rid=1");
    unit_rig_check(r, p.replies, "");
    assert_int_equal(house_count(&r->house, COUNT_parked_bytes),
                     4 + 37 + 6 + 4 + 10);
    r->appetite[p.asks] = SIZE_MAX;
    unit_rig_turns(r, 2000);
    unit_rig_check(r, p.replies, "OK rid=1|");
    assert_non_null(strstr(unit_rig_heard(r, p.asks), "|REP rid=q|"));
    assert_int_equal(house_count(&r->house, COUNT_parked_bytes), 0);
}

static void test_a_reply_does_not_wait_longer_than_patience(void **state)
{
    struct unit_rig *r = *state;
    struct pair p = ask(r, SMALL);
    fill_answers(r, p.asks);
    reply(r, &p, " rid=1");
    unit_rig_pass(r, PATIENCE_MS + 20);
    unit_rig_check(r, p.replies, "ERR slow rid=1|");
    r->appetite[p.asks] = SIZE_MAX;
    unit_rig_turns(r, 2000);
    assert_non_null(strstr(unit_rig_heard(r, p.asks), "|ERR slow rid=q|"));
    assert_int_equal(r->house.clients.hub->requests.count, 0);
}

static void test_a_replier_that_leaves_has_replied(void **state)
{
    struct unit_rig *r = *state;
    struct pair p = ask(r, SMALL);
    fill_answers(r, p.asks);
    reply(r, &p, " rid=1");
    unit_rig_say(r, p.replies, "BYE", 0);
    unit_rig_turns(r, 2);
    unit_rig_check(r, p.replies, "OK rid=1|BYE|");
    r->appetite[p.asks] = SIZE_MAX;
    unit_rig_turns(r, 2000);
    assert_non_null(strstr(unit_rig_heard(r, p.asks), "|REP rid=q|"));
}

static void test_a_reply_that_waits_goes_with_its_requester(void **state)
{
    struct unit_rig *r = *state;
    struct pair p = ask(r, SMALL);
    fill_answers(r, p.asks);
    reply(r, &p, " rid=1");
    virtual_end(p.asks, VIRTUAL_RESET);
    unit_rig_turns(r, 2);
    unit_rig_check(r, p.replies, "ERR gone rid=1|");
    assert_int_equal(house_count(&r->house, COUNT_parked_bytes), 0);
}

/* The house is closed after each, and must have given everything back. */
static void test_any_allocation_may_fail(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < FAILURES; n++) {
        void *own;
        assert_int_equal(unit_rig_open(&own), 0);
        struct unit_rig *r = own;
        struct pair p = ask(r, SMALL);
        fill_answers(r, p.asks);
        faults_fail_nth(n);
        unit_rig_say(r, p.asks, "REQ /svc/a rid=z", 5000);
        reply(r, &p, " rid=1 Unit=C");
        unit_rig_pass(r, PATIENCE_MS + 20);
        r->appetite[p.asks] = SIZE_MAX;
        unit_rig_turns(r, 2000);
        faults_fail_nth(0);
        assert_int_equal(unit_rig_close(&own), 0);
    }
}

#define REQUESTS_TEST(test)                                                    \
    cmocka_unit_test_setup_teardown(test, unit_rig_open, unit_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUESTS_TEST(test_a_request_finds_readers_that_only_wildcards_make),
        REQUESTS_TEST(test_without_a_reader_there_is_no_responder),
        REQUESTS_TEST(test_the_first_reply_counts),
        REQUESTS_TEST(test_a_request_ends_in_time),
        REQUESTS_TEST(test_a_reply_waits_until_half_of_the_answers_are_taken),
        REQUESTS_TEST(test_a_reply_does_not_wait_longer_than_patience),
        REQUESTS_TEST(test_a_replier_that_leaves_has_replied),
        REQUESTS_TEST(test_a_reply_that_waits_goes_with_its_requester),
        cmocka_unit_test(test_any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
