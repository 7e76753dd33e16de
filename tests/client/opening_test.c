/* SPDX-License-Identifier: MIT
 *
 * How a connection in version 2 begins, or does not, and what ends it.
 */
#include "client/lib/deadline.h"
#include "tests/client/units_peer.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>

static void test_a_refused_opening_has_a_code(void **state)
{
    (void)state;
    struct peer p = peer_open();
    units_send(&p, "ERR auth", "who are you");
    units_send(&p, "BYE", "");
    assert_int_equal(sluice_open(p.s, NULL, PEER_PATIENCE_MS), SLUICE_REFUSED);
    assert_string_equal(sluice_error_code(p.s), "auth");
    assert_non_null(strstr(sluice_error_detail(p.s), "who are you"));
    assert_int_equal(sluice_fd(p.s), -1);
    peer_close(&p);
}

/* A broker of version 1 closes without a word. */
static void test_a_broker_without_version_2_is_recognised(void **state)
{
    (void)state;
    struct peer p = peer_open();
    shutdown(p.fd, SHUT_WR);
    assert_int_equal(sluice_open(p.s, NULL, PEER_PATIENCE_MS),
                     SLUICE_UNSUPPORTED);
    peer_close(&p);

    p = peer_open();
    units_send(&p, "ERR version max=3", "");
    assert_int_equal(sluice_open(p.s, NULL, PEER_PATIENCE_MS),
                     SLUICE_UNSUPPORTED);
    assert_string_equal(sluice_error_code(p.s), "version");
    peer_close(&p);
}

/* It closes without having read all of the opening, which is a reset. */
static void test_a_reset_instead_of_an_answer_is_recognised(void **state)
{
    (void)state;
    const struct sluice_event *e;
    struct peer p = peer_open();
    assert_int_equal(sluice_open(p.s, NULL, SLUICE_NO_WAIT), SLUICE_OK);
    assert_int_equal(sluice_next(p.s, &e, SLUICE_NO_WAIT), SLUICE_AGAIN);
    peer_hang_up(&p);
    assert_int_equal(sluice_next(p.s, &e, PEER_PATIENCE_MS),
                     SLUICE_UNSUPPORTED);
    peer_close(&p);
}

static void test_a_server_of_another_protocol_is_named(void **state)
{
    (void)state;
    struct peer p = peer_open();
    PEER_SEND(&p, "HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_int_equal(sluice_open(p.s, NULL, PEER_PATIENCE_MS), SLUICE_FOREIGN);
    assert_non_null(strstr(sluice_error_detail(p.s), "HTTP"));
    peer_close(&p);
}

/* A program with a loop of its own must notice when it is connected. The queue
 * of this listener is full, so that connecting takes time. */
static void
test_a_socket_that_is_being_connected_can_be_waited_for(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int first = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, length), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &length), 0);
    assert_int_equal(connect(first, (struct sockaddr *)&at, length), 0);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(at.sin_port));
    struct sluice *s = sluice_new();
    assert_int_equal(sluice_open(s, address, SLUICE_NO_WAIT), SLUICE_OK);
    assert_true(sluice_fd(s) >= 0);
    assert_int_equal(sluice_events(s), POLLOUT);
    sluice_free(s);
    close(first);
    close(listener);
}

static void test_a_broker_that_does_not_answer(void **state)
{
    (void)state;
    struct peer p = peer_open();
    assert_int_equal(sluice_open(p.s, NULL, 1), SLUICE_TIMEOUT);
    assert_int_equal(sluice_fd(p.s), -1);
    peer_close(&p);
}

enum { ENDED_TIMES = 5, ENDED_PAUSE_MS = 50 };

struct ending_broker {
    int listener;
    int64_t pause_ms[ENDED_TIMES]; /* before each connection */
};

/* Accepts, opens and ends one connection after another. */
static void *end_connections(void *arg)
{
    struct ending_broker *b = arg;
    int64_t ended = sluice_deadline_clock();
    for (int i = 0; i < ENDED_TIMES; i++) {
        struct peer p = {NULL, accept(b->listener, NULL, NULL)};
        b->pause_ms[i] = sluice_deadline_clock() - ended;
        char opening[UNITS_HEAD_MAX + 1];
        units_get_frame(&p, opening, sizeof opening);
        units_get_frame(&p, opening, sizeof opening);
        units_send(&p, UNITS_INFO, "");
        ended = sluice_deadline_clock();
        peer_hang_up(&p);
    }
    return NULL;
}

static void
test_a_broker_that_ends_every_connection_is_not_flooded(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof at;
    struct ending_broker b = {.listener = socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(b.listener, (struct sockaddr *)&at, length), 0);
    assert_int_equal(listen(b.listener, 1), 0);
    assert_int_equal(getsockname(b.listener, (struct sockaddr *)&at, &length),
                     0);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(at.sin_port));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, end_connections, &b), 0);
    struct sluice *s = sluice_new();
    const struct sluice_event *e;
    assert_int_equal(sluice_set_reconnect(s, true), SLUICE_OK);
    assert_int_equal(sluice_open(s, address, PEER_PATIENCE_MS), SLUICE_OK);
    for (int opened = 0; opened < ENDED_TIMES;) {
        assert_int_equal(sluice_next(s, &e, PEER_PATIENCE_MS), SLUICE_OK);
        opened += e->kind == SLUICE_EVENT_OPEN;
    }
    pthread_join(thread, NULL);
    for (int i = 1; i < ENDED_TIMES; i++)
        assert_true(b.pause_ms[i] >= (ENDED_PAUSE_MS << (i - 1)) / 2);
    sluice_free(s);
    close(b.listener);
}

/* Its host may have vanished. */
static void test_a_silent_broker_is_asked_then_left(void **state)
{
    (void)state;
    struct peer p = units_open();
    units_send(&p, "INFO suite/1 v=2 conn=1 run=a max=9 ping=1s", "");
    assert_string_equal(units_next_is(&p, SLUICE_EVENT_END)->reason, "broken");
    assert_non_null(strstr(sluice_error_detail(p.s), "silent"));
    units_expect(&p, "PING", "");
    peer_close(&p);
}

static void test_a_head_above_the_limit_ends_it(void **state)
{
    (void)state;
    struct peer p = units_open();
    const struct sluice_event *e;
    PEER_SEND(&p, "\0\0\x10\1x");
    units_next_is(&p, SLUICE_EVENT_END);
    assert_int_equal(sluice_next(p.s, &e, PEER_PATIENCE_MS), SLUICE_TOO_LONG);
    peer_close(&p);
}

static void test_a_body_above_the_limit_ends_it(void **state)
{
    (void)state;
    struct peer p = units_open();
    const struct sluice_event *e;
    assert_int_equal(sluice_subscribe_to(p.s, sluice_text("/a"), NULL, 0, 0),
                     SLUICE_OK);
    units_put_frame(&p, "MSG /a 1", 8);
    PEER_SEND(&p, "\1\0\0\1");
    units_next_is(&p, SLUICE_EVENT_FAILED);
    units_next_is(&p, SLUICE_EVENT_END);
    assert_int_equal(sluice_next(p.s, &e, PEER_PATIENCE_MS), SLUICE_TOO_LONG);
    peer_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refused_opening_has_a_code),
        cmocka_unit_test(test_a_broker_without_version_2_is_recognised),
        cmocka_unit_test(test_a_reset_instead_of_an_answer_is_recognised),
        cmocka_unit_test(test_a_server_of_another_protocol_is_named),
        cmocka_unit_test(
            test_a_socket_that_is_being_connected_can_be_waited_for),
        cmocka_unit_test(test_a_broker_that_does_not_answer),
        cmocka_unit_test(
            test_a_broker_that_ends_every_connection_is_not_flooded),
        cmocka_unit_test(test_a_silent_broker_is_asked_then_left),
        cmocka_unit_test(test_a_head_above_the_limit_ends_it),
        cmocka_unit_test(test_a_body_above_the_limit_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
