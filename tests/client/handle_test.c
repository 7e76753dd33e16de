/* SPDX-License-Identifier: MIT
 *
 * The life of a connection: what may be called when, and how every kind of end
 * looks from inside.
 */
#include "tests/client/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

static void test_subscribing_is_one_frame(void **state)
{
    (void)state;
    struct peer p = peer_open();
    assert_int_equal(sluice_subscribe(p.s, sluice_text("/topic/a")), SLUICE_OK);
    PEER_EXPECT(&p, "\0\0\0\x08/topic/a");
    peer_expect_nothing(&p);
    PEER_SEND(&p, "\0\0\0\2hi\0\0\0\0");
    peer_check_received(&p, "hi", 2);
    peer_check_received(&p, "", 0);
    assert_int_equal(peer_receive(&p, SLUICE_NO_WAIT), SLUICE_AGAIN);
    assert_int_equal(peer_receive(&p, 1), SLUICE_TIMEOUT);
    peer_close(&p);
}

/* It may be that the broker had nothing to say. */
static void test_a_timeout_says_what_did_not_happen(void **state)
{
    (void)state;
    struct peer p = peer_open();
    assert_int_equal(sluice_subscribe(p.s, sluice_text("a")), SLUICE_OK);
    assert_int_equal(peer_receive(&p, 1), SLUICE_TIMEOUT);
    assert_string_equal(sluice_error_detail(p.s), "nothing arrived in time");
    assert_int_equal(sluice_close(p.s, 1), SLUICE_TIMEOUT);
    assert_string_equal(sluice_error_detail(p.s),
                        "the broker did not close the connection in time");
    peer_close(&p);
}

static void test_calls_out_of_place(void **state)
{
    (void)state;
    struct sluice *s = sluice_new();
    struct sluice_bytes a = sluice_text("a"), message;
    assert_int_equal(sluice_subscribe(s, a), SLUICE_BAD_STATE);
    assert_int_equal(sluice_publish(s, a, a, -1), SLUICE_BAD_STATE);
    assert_int_equal(sluice_flush(s, -1), SLUICE_BAD_STATE);
    assert_int_equal(sluice_receive(s, &message, -1), SLUICE_BAD_STATE);
    assert_int_equal(sluice_goodbye(s), SLUICE_BAD_STATE);
    assert_int_equal(sluice_close(s, -1), SLUICE_OK);
    assert_int_equal(sluice_fd(s), -1);
    assert_int_equal(sluice_events(s), 0);
    sluice_free(s);
    sluice_free(NULL);

    struct peer p = peer_open();
    assert_int_equal(sluice_subscribe(p.s, a), SLUICE_OK);
    assert_int_equal(sluice_subscribe(p.s, a), SLUICE_BAD_STATE);
    assert_non_null(strstr(sluice_error_detail(p.s), "subscribed already"));
    assert_int_equal(sluice_connect(p.s, "127.0.0.1:1", 0), SLUICE_BAD_STATE);
    assert_int_equal(sluice_goodbye(p.s), SLUICE_OK);
    assert_int_equal(sluice_goodbye(p.s), SLUICE_BAD_STATE);
    assert_int_equal(sluice_publish(p.s, a, a, -1), SLUICE_BAD_STATE);
    peer_close(&p);
}

static void test_channel_names(void **state)
{
    (void)state;
    struct peer p = peer_open();
    char name[256];
    memset(name, 'n', sizeof name);
    struct sluice_bytes longest = {name, 255}, longer = {name, 256};
    struct sluice_bytes none = {NULL, 0}, reserved = {"\0x", 2};
    assert_int_equal(sluice_subscribe(p.s, none), SLUICE_BAD_CHANNEL);
    assert_int_equal(sluice_subscribe(p.s, longer), SLUICE_BAD_CHANNEL);
    assert_int_equal(sluice_subscribe(p.s, reserved), SLUICE_BAD_CHANNEL);
    assert_int_equal(sluice_subscribe(p.s, longest), SLUICE_OK);
    PEER_EXPECT(&p, "\0\0\0\xff");
    peer_expect(&p, name, 255);
    assert_int_equal(sluice_publish(p.s, none, none, 0), SLUICE_BAD_CHANNEL);
    assert_int_equal(sluice_publish(p.s, longer, none, 0), SLUICE_BAD_CHANNEL);
    assert_int_equal(sluice_publish(p.s, reserved, none, 0), SLUICE_OK);
    assert_int_equal(sluice_flush(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    PEER_EXPECT(&p, "\0\0\0\2\0x\0\0\0\0");
    peer_close(&p);
}

static void test_an_end_in_order_comes_after_the_messages(void **state)
{
    (void)state;
    struct peer p = peer_open();
    assert_int_equal(sluice_subscribe(p.s, sluice_text("a")), SLUICE_OK);
    PEER_EXPECT(&p, "\0\0\0\1a");
    PEER_SEND(&p, "\0\0\0\1x");
    peer_hang_up(&p);
    peer_check_received(&p, "x", 1);
    assert_int_equal(peer_receive(&p, -1), SLUICE_CLOSED);
    assert_int_equal(peer_receive(&p, -1), SLUICE_CLOSED);
    assert_int_equal(sluice_flush(p.s, -1), SLUICE_CLOSED);
    assert_int_equal(sluice_close(p.s, -1), SLUICE_CLOSED);
    assert_int_equal(sluice_close(p.s, -1), SLUICE_OK);
    peer_close(&p);
}

static void test_an_end_inside_a_message_is_a_break(void **state)
{
    (void)state;
    static const char frame[] = "\0\0\0\3abc";
    for (size_t cut = 1; cut < sizeof frame - 1; cut++) {
        struct peer p = peer_open();
        assert_int_equal(sluice_subscribe(p.s, sluice_text("a")), SLUICE_OK);
        PEER_EXPECT(&p, "\0\0\0\1a");
        peer_send(&p, frame, cut);
        peer_hang_up(&p);
        assert_int_equal(peer_receive(&p, -1), SLUICE_BROKEN);
        assert_non_null(strstr(sluice_error_detail(p.s), "inside a message"));
        peer_close(&p);
    }
}

/* A socket that is closed with bytes unread resets its peer. */
static void test_a_reset_is_a_break(void **state)
{
    (void)state;
    struct peer p = peer_open();
    assert_int_equal(sluice_subscribe(p.s, sluice_text("a")), SLUICE_OK);
    peer_hang_up(&p);
    assert_int_equal(peer_receive(&p, -1), SLUICE_BROKEN);
    assert_non_null(strstr(sluice_error_detail(p.s), strerror(ECONNRESET)));
    peer_close(&p);
}

/* A broker that says nothing more but keeps its other half open is gone too. */
static void test_a_half_closed_broker_has_ended(void **state)
{
    (void)state;
    struct peer p = peer_open();
    assert_int_equal(sluice_subscribe(p.s, sluice_text("a")), SLUICE_OK);
    shutdown(p.fd, SHUT_WR);
    assert_int_equal(peer_receive(&p, -1), SLUICE_CLOSED);
    struct sluice_bytes a = sluice_text("a");
    assert_int_equal(sluice_publish(p.s, a, a, -1), SLUICE_CLOSED);
    peer_close(&p);
}

static void test_a_message_above_the_limit_ends_it(void **state)
{
    (void)state;
    struct peer p = peer_open();
    assert_int_equal(sluice_subscribe(p.s, sluice_text("a")), SLUICE_OK);
    PEER_SEND(&p, "\0\0\0\1x\xff\xff\xff\xff\0\0\0\1y");
    peer_check_received(&p, "x", 1);
    assert_int_equal(peer_receive(&p, -1), SLUICE_TOO_LONG);
    assert_int_equal(peer_receive(&p, -1), SLUICE_TOO_LONG);
    assert_int_equal(sluice_close(p.s, -1), SLUICE_TOO_LONG);
    peer_close(&p);
}

static void test_the_limit_itself_is_allowed(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct peer p = {sluice_new(), ends[1]};
    assert_int_equal(sluice_set_max_message(p.s, 0), SLUICE_TOO_LONG);
    assert_int_equal(sluice_set_max_message(p.s, (size_t)1 << 31),
                     SLUICE_TOO_LONG);
    assert_int_equal(sluice_set_max_message(p.s, 3), SLUICE_OK);
    assert_int_equal(sluice_attach(p.s, ends[0]), SLUICE_OK);
    struct sluice_bytes a = sluice_text("a");
    assert_int_equal(sluice_publish(p.s, a, sluice_text("abc"), 0), SLUICE_OK);
    assert_int_equal(sluice_publish(p.s, a, sluice_text("abcd"), 0),
                     SLUICE_TOO_LONG);
    PEER_SEND(&p, "\0\0\0\3abc\0\0\0\4");
    peer_check_received(&p, "abc", 3);
    assert_int_equal(peer_receive(&p, -1), SLUICE_TOO_LONG);
    peer_close(&p);
}

/* Cut anywhere, and with messages of every kind: what the next call would
 * return stays in the kernel. */
static void
test_without_reading_ahead_one_message_is_read_at_a_time(void **state)
{
    (void)state;
    struct peer p = peer_open();
    int left;
    sluice_set_read_ahead(p.s, false);
    assert_int_equal(sluice_subscribe(p.s, sluice_text("a")), SLUICE_OK);
    PEER_SEND(&p, "\0\0\0\3abc\0\0\0\0\0\0\0\2de\0\0");
    peer_check_received(&p, "abc", 3);
    assert_int_equal(ioctl(sluice_fd(p.s), FIONREAD, &left), 0);
    assert_int_equal(left, 12);
    peer_check_received(&p, "", 0);
    assert_int_equal(ioctl(sluice_fd(p.s), FIONREAD, &left), 0);
    assert_int_equal(left, 8);
    peer_check_received(&p, "de", 2);
    assert_int_equal(peer_receive(&p, 0), SLUICE_AGAIN);
    PEER_SEND(&p, "\0\1f\0\0\0\1g");
    peer_check_received(&p, "f", 1);
    sluice_set_read_ahead(p.s, true);
    PEER_SEND(&p, "\0\0\0\1h");
    peer_check_received(&p, "g", 1);
    assert_int_equal(ioctl(sluice_fd(p.s), FIONREAD, &left), 0);
    assert_int_equal(left, 0);
    peer_close(&p);
}

static void *answer_goodbye(void *arg)
{
    const struct peer *p = arg;
    PEER_EXPECT(p, "\0\0\0\1a\0\0\0\0");
    PEER_SEND(p, "\0\0\0\4owed");
    shutdown(p->fd, SHUT_WR);
    return NULL;
}

static void test_goodbye_brings_what_is_owed(void **state)
{
    (void)state;
    struct peer p = peer_open();
    pthread_t broker;
    assert_int_equal(sluice_subscribe(p.s, sluice_text("a")), SLUICE_OK);
    pthread_create(&broker, NULL, answer_goodbye, &p);
    assert_int_equal(sluice_goodbye(p.s), SLUICE_OK);
    peer_check_received(&p, "owed", 4);
    assert_int_equal(peer_receive(&p, -1), SLUICE_CLOSED);
    pthread_join(broker, NULL);
    peer_close(&p);
}

static void test_close_waits_for_the_broker(void **state)
{
    (void)state;
    struct peer p = peer_open();
    pthread_t broker;
    assert_int_equal(sluice_subscribe(p.s, sluice_text("a")), SLUICE_OK);
    pthread_create(&broker, NULL, answer_goodbye, &p);
    assert_int_equal(sluice_close(p.s, PEER_PATIENCE_MS), SLUICE_OK);
    assert_int_equal(sluice_fd(p.s), -1);
    pthread_join(broker, NULL);
    peer_close(&p);
}

static void *flood(void *arg)
{
    const struct peer *p = arg;
    while (send(p->fd, "\0\0\0\2zz", 6, MSG_NOSIGNAL) == 6)
        ;
    return NULL;
}

static void test_close_does_not_drop_messages_without_end(void **state)
{
    (void)state;
    struct peer p = peer_open();
    pthread_t broker;
    assert_int_equal(sluice_subscribe(p.s, sluice_text("a")), SLUICE_OK);
    pthread_create(&broker, NULL, flood, &p);
    assert_int_equal(sluice_close(p.s, 20), SLUICE_TIMEOUT);
    assert_string_equal(sluice_error_detail(p.s),
                        "the broker did not close the connection in time");
    pthread_join(broker, NULL);
    peer_close(&p);
}

static void test_close_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct peer p = peer_open();
    assert_int_equal(sluice_close(p.s, 1), SLUICE_TIMEOUT);
    PEER_EXPECT(&p, "\0\0\0\5/null\0\0\0\0");
    char byte;
    assert_int_equal(recv(p.fd, &byte, 1, 0), 0);
    peer_close(&p);
}

/* The broker has not read what was published, so the call must not succeed. */
static void test_a_broker_that_left_first_has_not_read_all(void **state)
{
    (void)state;
    struct peer p = peer_open();
    struct sluice_bytes a = sluice_text("a");
    shutdown(p.fd, SHUT_WR);
    assert_int_equal(sluice_publish(p.s, a, a, 0), SLUICE_OK);
    assert_int_equal(sluice_close(p.s, -1), SLUICE_BROKEN);
    peer_close(&p);
}

static void test_a_handle_connects_again(void **state)
{
    (void)state;
    struct peer p = peer_open();
    PEER_SEND(&p, "\0\0\0\3ol");
    assert_int_equal(peer_receive(&p, SLUICE_NO_WAIT), SLUICE_AGAIN);
    peer_hang_up(&p);
    assert_int_equal(peer_receive(&p, -1), SLUICE_BROKEN);
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    p.fd = ends[1];
    assert_int_equal(sluice_attach(p.s, ends[0]), SLUICE_OK);
    assert_int_equal(sluice_subscribe(p.s, sluice_text("b")), SLUICE_OK);
    PEER_SEND(&p, "\0\0\0\3new");
    peer_check_received(&p, "new", 3);
    peer_close(&p);
}

static void test_attach_wants_a_stream_socket(void **state)
{
    (void)state;
    struct sluice *s = sluice_new();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(sluice_attach(s, ends[0]), SLUICE_UNREACHABLE);
    assert_int_equal(write(ends[1], "", 0), 0);
    int datagram = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(sluice_attach(s, datagram), SLUICE_UNREACHABLE);
    assert_int_equal(close(datagram), -1); /* it was owned, and closed */
    close(ends[1]);
    sluice_free(s);
}

static void on_alarm(int number)
{
    (void)number;
}

static void test_a_signal_ends_the_wait(void **state)
{
    (void)state;
    struct peer p = peer_open();
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerspec soon = {{0, 1000000}, {0, 1000000}};
    timer_t timer;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
    assert_int_equal(peer_receive(&p, -1), SLUICE_INTERRUPTED);
    timer_delete(timer);
    PEER_SEND(&p, "\0\0\0\1x");
    peer_check_received(&p, "x", 1);
    peer_close(&p);
}

/* A port that is bound but does not listen refuses, and no other process can
 * take it. */
static void test_connecting_where_nobody_listens(void **state)
{
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(at.sin_port));
    struct sluice *s = sluice_new();
    assert_int_equal(sluice_connect(s, address, PEER_PATIENCE_MS),
                     SLUICE_UNREACHABLE);
    assert_non_null(strstr(sluice_error_detail(s), address));
    assert_non_null(strstr(sluice_error_detail(s), strerror(ECONNREFUSED)));
    assert_int_equal(sluice_connect(s, "unix:/nowhere/at/all", 0),
                     SLUICE_UNREACHABLE);
    assert_int_equal(sluice_connect(s, "25000", 0), SLUICE_BAD_ADDRESS);
    assert_int_equal(sluice_connect(s, "no.such.host.invalid:1", 0),
                     SLUICE_UNRESOLVED);
    sluice_free(s);
    close(fd);
}

static void test_every_error_has_words(void **state)
{
    (void)state;
    for (int error = SLUICE_OK; error <= SLUICE_FOREIGN; error++)
        assert_string_not_equal(sluice_error_text((enum sluice_error)error),
                                sluice_error_text((enum sluice_error)999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subscribing_is_one_frame),
        cmocka_unit_test(test_a_timeout_says_what_did_not_happen),
        cmocka_unit_test(test_calls_out_of_place),
        cmocka_unit_test(test_channel_names),
        cmocka_unit_test(test_an_end_in_order_comes_after_the_messages),
        cmocka_unit_test(test_an_end_inside_a_message_is_a_break),
        cmocka_unit_test(test_a_reset_is_a_break),
        cmocka_unit_test(test_a_half_closed_broker_has_ended),
        cmocka_unit_test(test_a_message_above_the_limit_ends_it),
        cmocka_unit_test(test_the_limit_itself_is_allowed),
        cmocka_unit_test(
            test_without_reading_ahead_one_message_is_read_at_a_time),
        cmocka_unit_test(test_goodbye_brings_what_is_owed),
        cmocka_unit_test(test_close_waits_for_the_broker),
        cmocka_unit_test(test_close_does_not_drop_messages_without_end),
        cmocka_unit_test(test_close_does_not_wait_for_ever),
        cmocka_unit_test(test_a_broker_that_left_first_has_not_read_all),
        cmocka_unit_test(test_a_handle_connects_again),
        cmocka_unit_test(test_attach_wants_a_stream_socket),
        cmocka_unit_test(test_a_signal_ends_the_wait),
        cmocka_unit_test(test_connecting_where_nobody_listens),
        cmocka_unit_test(test_every_error_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
