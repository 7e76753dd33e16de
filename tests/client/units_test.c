/* SPDX-License-Identifier: MIT
 *
 * Version 2 in calls that wait: what they wait for, what they return, what
 * happens to the events that come meanwhile. What goes over the wire is the
 * matter of tests/conformance.
 */
#include "tests/client/units_peer.h"

#include <string.h>
#include <sys/ioctl.h>

static const struct sluice_bytes topic = {"/t", 2};

static enum sluice_error publish(const struct peer *p, const char *body,
                                 uint64_t token, int timeout_ms)
{
    return sluice_publish_to(p->s, topic, sluice_text(body), NULL, token,
                             timeout_ms);
}

static void test_functions_of_the_other_version(void **state)
{
    (void)state;
    struct peer p = units_open();
    const struct sluice_event *e;
    struct sluice_bytes message;
    assert_int_equal(sluice_subscribe(p.s, topic), SLUICE_BAD_STATE);
    assert_int_equal(sluice_publish(p.s, topic, topic, 0), SLUICE_BAD_STATE);
    assert_int_equal(sluice_receive(p.s, &message, 0), SLUICE_BAD_STATE);
    assert_int_equal(sluice_connect(p.s, "127.0.0.1:1", 0), SLUICE_BAD_STATE);
    assert_int_equal(sluice_open(p.s, "127.0.0.1:1", 0), SLUICE_BAD_STATE);
    peer_close(&p);

    p = peer_open();
    assert_int_equal(sluice_next(p.s, &e, 0), SLUICE_BAD_STATE);
    assert_int_equal(sluice_await(p.s, 1, &e, 0), SLUICE_BAD_STATE);
    assert_int_equal(sluice_confirm(p.s, 0), SLUICE_BAD_STATE);
    assert_int_equal(publish(&p, "x", 0, 0), SLUICE_BAD_STATE);
    assert_int_equal(sluice_subscribe_to(p.s, topic, NULL, 1, 0),
                     SLUICE_BAD_STATE);
    assert_int_equal(sluice_wait_ms(p.s), -1);
    assert_string_equal(sluice_error_code(p.s), "");
    peer_close(&p);
}

static void test_confirm_waits_for_every_answer(void **state)
{
    (void)state;
    struct peer p = units_open();
    assert_int_equal(sluice_confirm(p.s, 0), SLUICE_OK);
    assert_int_equal(publish(&p, "1", 7, 0), SLUICE_OK);
    assert_int_equal(publish(&p, "2", SLUICE_CONFIRM, 0), SLUICE_OK);
    assert_int_equal(publish(&p, "3", 0, 0), SLUICE_OK);
    assert_int_equal(sluice_confirm(p.s, 0), SLUICE_AGAIN);
    units_answer(&p, "PUB /t", "1", "OK", " seq=5 subs=2 drop=1");
    assert_int_equal(sluice_confirm(p.s, 1), SLUICE_TIMEOUT);
    units_answer(&p, "PUB /t", "2", "OK", " seq=6 subs=2 drop=1");
    assert_string_equal(units_expect(&p, "PUB /t", "3"), "");
    assert_int_equal(sluice_confirm(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    const struct sluice_event *e = units_next_is(&p, SLUICE_EVENT_RECEIPT);
    assert_int_equal(e->token, 7);
    assert_int_equal(e->seq, 5);
    assert_int_equal(e->subscribers, 2);
    assert_int_equal(e->dropped, 1);
    units_expect_no_event(&p); /* nothing of the other two */
    peer_close(&p);
}

static void test_confirm_reports_the_first_refusal_once(void **state)
{
    (void)state;
    struct peer p = units_open();
    assert_int_equal(publish(&p, "1", SLUICE_CONFIRM, 0), SLUICE_OK);
    assert_int_equal(publish(&p, "2", SLUICE_CONFIRM, 0), SLUICE_OK);
    units_flush(&p);
    units_answer(&p, "PUB /t", "1", "ERR denied", "");
    units_answer(&p, "PUB /t", "2", "OK", " seq=1");
    assert_int_equal(sluice_confirm(p.s, PEER_PATIENCE_MS), SLUICE_REFUSED);
    assert_string_equal(sluice_error_code(p.s), "denied");
    assert_int_equal(sluice_confirm(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    units_expect_no_event(&p);
    peer_close(&p);
}

static void test_await_keeps_what_comes_before(void **state)
{
    (void)state;
    struct peer p = units_open();
    const struct sluice_event *e;
    units_subscribe(&p, "/t", NULL, 1, "SUB /t", " seq=0");
    assert_int_equal(sluice_request(p.s, sluice_text("/svc"),
                                    sluice_text("noon"), NULL, 2000, 9, 0),
                     SLUICE_OK);
    assert_int_equal(sluice_await(p.s, 9, &e, 0), SLUICE_AGAIN);
    units_send(&p, "MSG /t 1 new=1 A=one%20two A=2 B=", "first");
    units_answer(&p, "REQ /svc timeout=2s", "noon", "REP", " Took=1");
    units_send(&p, "MSG /t 2", "second");
    assert_int_equal(sluice_await(p.s, 9, &e, PEER_PATIENCE_MS), SLUICE_OK);
    assert_int_equal(e->kind, SLUICE_EVENT_REPLY);
    assert_string_equal(e->headers[0].name, "Took");
    e = units_next_is(&p, SLUICE_EVENT_MESSAGE);
    assert_int_equal(e->token, 1);
    assert_int_equal(e->seq, 1);
    assert_true(e->is_new);
    units_assert_bytes(e->channel, "/t");
    units_assert_bytes(e->body, "first");
    assert_string_equal(e->headers[0].name, "A");
    units_assert_bytes(e->headers[0].value, "one two");
    assert_string_equal(e->headers[1].name, "B");
    assert_null(e->headers[2].name);
    units_assert_bytes(units_next(&p)->body, "second");
    peer_close(&p);
}

/* Also those that the next call reads over it. */
static void test_an_event_stays_while_others_are_kept(void **state)
{
    (void)state;
    struct peer p = units_open();
    units_subscribe(&p, "/**", NULL, 1, "SUB /**", "");
    units_subscribe(&p, "/a", NULL, 2, "SUB /a", " seq=0");
    units_send(&p, "MSG /a 1 H=v", "body");
    const struct sluice_event *e = units_next_is(&p, SLUICE_EVENT_MESSAGE);
    assert_int_equal(e->token, 1);
    static char big[60000];
    memset(big, 'x', sizeof big - 1);
    for (int i = 2; i <= 9; i++) {
        char head[32];
        snprintf(head, sizeof head, "MSG /a %d", i);
        units_send(&p, head, i == 2 ? big : "y");
        assert_int_equal(publish(&p, "z", SLUICE_CONFIRM, 0), SLUICE_OK);
        units_flush(&p);
        units_answer(&p, "PUB /t", "z", "OK", "");
        assert_int_equal(sluice_confirm(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    }
    units_assert_bytes(e->channel, "/a");
    units_assert_bytes(e->body, "body");
    units_assert_bytes(e->headers[0].value, "v");
    e = units_next_is(&p, SLUICE_EVENT_MESSAGE);
    assert_int_equal(e->token, 2);
    units_assert_bytes(e->body, "body");
    for (int i = 2; i <= 9; i++)
        for (unsigned token = 1; token <= 2; token++) {
            e = units_next_is(&p, SLUICE_EVENT_MESSAGE);
            assert_int_equal(e->seq, i);
            assert_int_equal(e->token, token);
            assert_int_equal(e->body.length, i == 2 ? sizeof big - 1 : 1);
        }
    units_expect_no_event(&p);
    peer_close(&p);
}

static void test_what_is_kept_is_bounded(void **state)
{
    (void)state;
    struct peer p = units_open();
    static char big[90001];
    memset(big, 'x', sizeof big - 1);
    units_subscribe(&p, "/a", NULL, 1, "SUB /a", " seq=0");
    assert_int_equal(publish(&p, "z", SLUICE_CONFIRM, 0), SLUICE_OK);
    enum sluice_error error = SLUICE_AGAIN;
    int sent = 0;
    for (; error == SLUICE_AGAIN; error = sluice_confirm(p.s, 0)) {
        char head[32];
        snprintf(head, sizeof head, "MSG /a %d", ++sent);
        units_send(&p, head, big);
    }
    assert_int_equal(error, SLUICE_BACKLOG);
    assert_in_range(sent, SLUICE_READ_AHEAD / sizeof big,
                    SLUICE_READ_AHEAD / sizeof big + 4);
    for (int i = 1; i <= sent; i++)
        assert_int_equal(units_next_is(&p, SLUICE_EVENT_MESSAGE)->seq, i);
    units_answer(&p, "PUB /t", "z", "OK", "");
    assert_int_equal(sluice_confirm(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    peer_close(&p);
}

static void test_a_full_window_waits_for_answers(void **state)
{
    (void)state;
    struct peer p = units_open();
    assert_int_equal(sluice_set_window(p.s, 2), SLUICE_OK);
    assert_int_equal(publish(&p, "1", 1, 0), SLUICE_OK);
    assert_int_equal(publish(&p, "2", 2, 0), SLUICE_OK);
    assert_int_equal(publish(&p, "3", 3, 0), SLUICE_AGAIN);
    assert_int_equal(publish(&p, "3", 3, 1), SLUICE_TIMEOUT);
    assert_int_equal(publish(&p, "no receipt", 0, 0), SLUICE_OK);
    units_answer(&p, "PUB /t", "1", "OK", " seq=1");
    assert_int_equal(publish(&p, "3", 3, PEER_PATIENCE_MS), SLUICE_OK);
    assert_int_equal(units_next_is(&p, SLUICE_EVENT_RECEIPT)->token, 1);
    peer_close(&p);
}

static void test_a_receipt_may_wait_for_the_disk(void **state)
{
    (void)state;
    struct peer p = units_open();
    assert_int_equal(publish(&p, "1", 1, 0), SLUICE_OK);
    assert_int_equal(sluice_set_sync(p.s, true), SLUICE_OK);
    assert_int_equal(publish(&p, "2", 2, 0), SLUICE_OK);
    assert_int_equal(publish(&p, "3", 0, 0), SLUICE_OK);
    units_flush(&p);
    units_answer(&p, "PUB /t", "1", "OK", " seq=1");
    units_answer(&p, "PUB /t confirm=sync", "2", "OK", " seq=2 sync=1");
    units_expect(&p, "PUB /t", "3");
    assert_false(units_next_is(&p, SLUICE_EVENT_RECEIPT)->is_on_disk);
    const struct sluice_event *e = units_next_is(&p, SLUICE_EVENT_RECEIPT);
    assert_int_equal(e->token, 2);
    assert_true(e->is_on_disk);
    peer_close(&p);
}

static void test_only_the_channel_that_is_held_waits(void **state)
{
    (void)state;
    struct peer p = units_open();
    units_send(&p, "HOLD /t", "");
    units_assert_bytes(units_next_is(&p, SLUICE_EVENT_HOLD)->channel, "/t");
    assert_int_equal(publish(&p, "1", 0, 0), SLUICE_HELD);
    assert_int_equal(publish(&p, "1", 0, 1), SLUICE_TIMEOUT);
    assert_int_equal(
        sluice_publish_to(p.s, sluice_text("/u"), sluice_text("2"), NULL, 0, 0),
        SLUICE_OK);
    units_send(&p, "GO /t", "");
    assert_int_equal(publish(&p, "1", 0, PEER_PATIENCE_MS), SLUICE_OK);
    units_flush(&p);
    units_expect(&p, "PUB /u", "2");
    units_expect(&p, "PUB /t", "1");
    units_next_is(&p, SLUICE_EVENT_GO);
    peer_close(&p);
}

static void test_work_is_acknowledged_before_the_next(void **state)
{
    (void)state;
    struct peer p = units_open();
    struct sluice_subscription how = {
        .size = sizeof how, .acks = true, .credit = 2, .wait_ms = 30000};
    units_subscribe(&p, "/queue/jobs", &how, 4,
                    "SUB /queue/jobs ack=yes credit=2 wait=30s", "");
    units_send(&p, "MSG /queue/jobs 1", "a");
    units_send(&p, "MSG /queue/jobs 2 try=3", "b");
    const struct sluice_event *e = units_next_is(&p, SLUICE_EVENT_MESSAGE);
    assert_int_equal(e->tries, 1);
    struct sluice_delivery first = e->delivery;
    assert_int_equal(sluice_ack(p.s, &first, 0, 0), SLUICE_OK);
    e = units_next_is(&p, SLUICE_EVENT_MESSAGE);
    units_expect(&p, "ACK /queue/jobs 1", ""); /* without a flush */
    assert_int_equal(e->tries, 3);
    assert_int_equal(
        sluice_nak(p.s, &e->delivery, 5000, sluice_text("disk full"), 0, 0),
        SLUICE_OK);
    assert_int_equal(sluice_touch(p.s, &e->delivery, 0, 0), SLUICE_OK);
    assert_int_equal(sluice_credit(p.s, sluice_text("/queue/jobs"), 0, 0, 0),
                     SLUICE_OK);
    assert_int_equal(sluice_reply(p.s, &e->delivery, topic, NULL, 0, 0),
                     SLUICE_BAD_STATE);
    units_flush(&p);
    units_expect(&p, "NAK /queue/jobs 2 delay=5s", "disk full");
    units_expect(&p, "TOUCH /queue/jobs 2", "");
    units_expect(&p, "CREDIT /queue/jobs 0", "");
    peer_close(&p);
}

static void test_what_the_library_refuses(void **state)
{
    (void)state;
    struct peer p = units_open();
    struct sluice_subscription how = {.size = sizeof how, .acks = true};
    struct sluice_subscription no_size = {.acks = true};
    assert_int_equal(sluice_subscribe_to(p.s, topic, &how, 1, 0),
                     SLUICE_BAD_OPTION);
    assert_int_equal(
        sluice_subscribe_to(p.s, sluice_text("/queue"), &no_size, 1, 0),
        SLUICE_BAD_OPTION);
    assert_int_equal(sluice_subscribe_to(p.s, sluice_text("/a*"), NULL, 1, 0),
                     SLUICE_BAD_CHANNEL);
    assert_int_equal(sluice_unsubscribe(p.s, topic, 0, 0), SLUICE_GONE);
    const struct sluice_header lower[] = {{"unit", {"C", 1}}, {.name = NULL}};
    assert_int_equal(sluice_publish_to(p.s, topic, topic, lower, 0, 0),
                     SLUICE_BAD_HEADER);
    static char long_value[4000];
    const struct sluice_header longer[] = {
        {"Note", {long_value, sizeof long_value}}, {.name = NULL}};
    assert_int_equal(sluice_publish_to(p.s, topic, topic, longer, 0, 0),
                     SLUICE_BAD_HEADER);
    struct sluice_bytes big = {calloc(1, 100001), 100001};
    assert_int_equal(sluice_publish_to(p.s, topic, big, NULL, 0, 0),
                     SLUICE_TOO_LONG);
    free((void *)(uintptr_t)big.data);
    assert_int_equal(sluice_request(p.s, topic, topic, NULL, 0, 1, 0),
                     SLUICE_BAD_OPTION);
    assert_int_equal(sluice_set_ping(p.s, 999), SLUICE_BAD_OPTION);
    assert_int_equal(sluice_set_window(p.s, 0), SLUICE_BAD_OPTION);
    char name[66] = "";
    memset(name, 'n', 65);
    assert_int_equal(sluice_set_name(p.s, name), SLUICE_BAD_OPTION);
    units_send(&p, "PING x", "");
    units_expect_no_event(&p);
    units_flush(&p);
    units_expect(&p, "PONG x", ""); /* and nothing before it */
    peer_close(&p);
}

static void test_a_message_for_an_ended_subscription_is_dropped(void **state)
{
    (void)state;
    struct peer p = units_open();
    units_subscribe(&p, "/a", NULL, 1, "SUB /a", " seq=0");
    units_send(&p, "MSG /a 1", "kept");
    assert_int_equal(publish(&p, "z", SLUICE_CONFIRM, 0), SLUICE_OK);
    units_flush(&p);
    units_answer(&p, "PUB /t", "z", "OK", "");
    assert_int_equal(sluice_confirm(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    assert_int_equal(sluice_wait_ms(p.s), 0); /* something is kept */
    assert_int_equal(sluice_unsubscribe(p.s, sluice_text("/a"), 5, 0),
                     SLUICE_OK);
    units_send(&p, "MSG /a 2", "late");
    units_flush(&p);
    units_answer(&p, "UNSUB /a", "", "OK", " seq=2");
    const struct sluice_event *e = units_next_is(&p, SLUICE_EVENT_RECEIPT);
    assert_int_equal(e->token, 5);
    assert_int_equal(e->seq, 2);
    peer_close(&p);
}

static void test_a_break_fails_what_is_unanswered(void **state)
{
    (void)state;
    struct peer p = units_open();
    struct sluice_subscription how = {.size = sizeof how, .acks = true};
    const struct sluice_event *e;
    units_subscribe(&p, "/queue/q", &how, 1, "SUB /queue/q ack=yes credit=1",
                    "");
    units_send(&p, "MSG /queue/q 1", "job");
    struct sluice_delivery job =
        units_next_is(&p, SLUICE_EVENT_MESSAGE)->delivery;
    assert_int_equal(publish(&p, "1", 7, 0), SLUICE_OK);
    units_flush(&p);
    units_expect(&p, "PUB /t", "1");
    peer_hang_up(&p);
    assert_int_equal(sluice_confirm(p.s, PEER_PATIENCE_MS), SLUICE_BROKEN);
    e = units_next_is(&p, SLUICE_EVENT_FAILED);
    assert_int_equal(e->token, 7);
    assert_string_equal(e->reason, "unknown");
    assert_string_equal(units_next_is(&p, SLUICE_EVENT_END)->reason, "broken");
    assert_int_equal(sluice_next(p.s, &e, PEER_PATIENCE_MS), SLUICE_BROKEN);
    assert_int_equal(sluice_ack(p.s, &job, 0, 0), SLUICE_BROKEN);
    assert_int_equal(sluice_close(p.s, 0), SLUICE_BROKEN);
    peer_close(&p);
}

static void test_a_goodbye_from_the_broker_means_not_done(void **state)
{
    (void)state;
    struct peer p = units_open();
    const struct sluice_event *e;
    assert_int_equal(publish(&p, "1", 7, 0), SLUICE_OK);
    units_send(&p, "BYE", "");
    assert_string_equal(units_next_is(&p, SLUICE_EVENT_FAILED)->reason,
                        "not-done");
    assert_string_equal(units_next_is(&p, SLUICE_EVENT_END)->reason, "bye");
    assert_int_equal(sluice_next(p.s, &e, PEER_PATIENCE_MS), SLUICE_CLOSED);
    peer_close(&p);
}

static void test_close_drops_what_still_comes(void **state)
{
    (void)state;
    struct peer p = units_open();
    units_subscribe(&p, "/a", NULL, 1, "SUB /a", " seq=0");
    assert_int_equal(sluice_goodbye(p.s), SLUICE_OK);
    units_expect(&p, "BYE", "");
    assert_int_equal(publish(&p, "1", 0, 0), SLUICE_BAD_STATE);
    units_send(&p, "MSG /a 1", "owed");
    units_send(&p, "BYE", "");
    assert_int_equal(sluice_close(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    assert_int_equal(sluice_fd(p.s), -1);
    peer_close(&p);

    p = units_open();
    assert_int_equal(sluice_close(p.s, 1), SLUICE_TIMEOUT);
    peer_close(&p);
}

/* What the next call would return stays in the kernel. */
static void test_without_reading_ahead_one_unit_is_read_at_a_time(void **state)
{
    (void)state;
    struct peer p = units_open();
    const int unit = 4 + 8 + 4 + 3; /* bytes */
    int left;
    sluice_set_read_ahead(p.s, false);
    assert_int_equal(sluice_subscribe_to(p.s, topic, NULL, 1, 0), SLUICE_OK);
    assert_int_equal(sluice_flush(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    char ok[64];
    snprintf(ok, sizeof ok, "OK%s seq=0", units_expect(&p, "SUB /t", ""));
    units_send(&p, ok, "");
    units_next_is(&p, SLUICE_EVENT_RECEIPT);
    for (int number = 1; number <= 3; number++) {
        char head[16];
        snprintf(head, sizeof head, "MSG /t %d", number);
        units_send(&p, head, "abc");
    }
    for (int number = 1; number <= 3; number++) {
        assert_int_equal(units_next_is(&p, SLUICE_EVENT_MESSAGE)->seq, number);
        assert_int_equal(ioctl(sluice_fd(p.s), FIONREAD, &left), 0);
        assert_int_equal(left, (3 - number) * unit);
    }
    peer_close(&p);
}

static void test_exact_is_a_pattern_for_any_name(void **state)
{
    (void)state;
    char text[SLUICE_PATTERN_MAX];
    assert_string_equal(sluice_exact(text, sluice_text("@a *=%")),
                        "%40a%20%2A%3D%25");
    assert_null(sluice_exact(text, sluice_text("")));
    char name[256];
    memset(name, '*', sizeof name);
    assert_non_null(sluice_exact(text, (struct sluice_bytes){name, 255}));
    assert_int_equal(strlen(text), SLUICE_PATTERN_MAX - 1);
    assert_null(sluice_exact(text, (struct sluice_bytes){name, 256}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_of_the_other_version),
        cmocka_unit_test(test_confirm_waits_for_every_answer),
        cmocka_unit_test(test_confirm_reports_the_first_refusal_once),
        cmocka_unit_test(test_await_keeps_what_comes_before),
        cmocka_unit_test(test_an_event_stays_while_others_are_kept),
        cmocka_unit_test(test_what_is_kept_is_bounded),
        cmocka_unit_test(test_a_full_window_waits_for_answers),
        cmocka_unit_test(test_a_receipt_may_wait_for_the_disk),
        cmocka_unit_test(test_only_the_channel_that_is_held_waits),
        cmocka_unit_test(test_work_is_acknowledged_before_the_next),
        cmocka_unit_test(test_what_the_library_refuses),
        cmocka_unit_test(test_a_message_for_an_ended_subscription_is_dropped),
        cmocka_unit_test(test_a_break_fails_what_is_unanswered),
        cmocka_unit_test(test_a_goodbye_from_the_broker_means_not_done),
        cmocka_unit_test(test_close_drops_what_still_comes),
        cmocka_unit_test(test_without_reading_ahead_one_unit_is_read_at_a_time),
        cmocka_unit_test(test_exact_is_a_pattern_for_any_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
