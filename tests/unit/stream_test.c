/* SPDX-License-Identifier: MIT
 *
 * A stream reports when to read and write, distinguishes an orderly end from a
 * reset even while it rests, and never makes the loop spin. For guests see
 * guests_test.c. */
#include "broker/net/stream.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/net/reactor.h"
#include "broker/net/transport.h"
#include "tests/unit/sockets.h"
#include "tests/unit/unit.h"

enum { WAKES_MAX = 8 };

struct fixture {
    struct reactor *reactor;
    struct stream *stream;
    int peer;                             /* -1 when closed */
    int readable, writable, ends, resets; /* how often each was reported */
};

static struct fixture f;

static void on_readable(void *owner)
{
    assert_ptr_equal(owner, &f);
    f.readable++;
}

static void on_writable(void *owner)
{
    assert_ptr_equal(owner, &f);
    f.writable++;
}

static void on_end(void *owner, enum stream_status how)
{
    assert_ptr_equal(owner, &f);
    assert_true(how == STREAM_END || how == STREAM_RESET);
    if (how == STREAM_END)
        f.ends++;
    else
        f.resets++;
}

static const struct stream_events events = {on_readable, on_writable, on_end};

static int open_pair(void (*pair)(int out[2]))
{
    int ends[2];
    pair(ends);
    f = (struct fixture){.peer = ends[0], .reactor = reactor_new()};
    f.stream = stream_open(f.reactor, ends[1], &events, &f);
    stream_promote(f.stream);
    return f.stream ? 0 : -1;
}

static int open_tcp(void **state)
{
    (void)state;
    return open_pair(sockets_tcp_pair);
}

static int open_unix(void **state)
{
    (void)state;
    return open_pair(sockets_unix_pair);
}

static int close_all(void **state)
{
    (void)state;
    if (f.stream)
        stream_close(f.stream);
    if (f.peer >= 0)
        close(f.peer);
    reactor_free(f.reactor);
    return 0;
}

static void peer_says(const char *text)
{
    size_t n = strlen(text);
    assert_int_equal(send(f.peer, text, n, MSG_NOSIGNAL), n);
}

static void peer_closes(void)
{
    close(f.peer);
    f.peer = -1;
}

static void peer_resets(void)
{
    sockets_reset(f.peer);
    f.peer = -1;
}

static void rest(bool wants_write)
{
    assert_true(stream_set(f.stream, STREAM_RESTING, wants_write));
}

static void check_read(enum stream_status expected, const char *text)
{
    char room[2][4];
    struct iovec iov[2] = {{room[0], 4}, {room[1], 4}};
    size_t got = 0;
    assert_int_equal(stream_read(f.stream, iov, 2, &got), expected);
    assert_int_equal(got, strlen(text));
    for (size_t i = 0; i < got; i++)
        assert_int_equal(room[i / 4][i % 4], text[i]);
}

static enum stream_status write_text(const char *text)
{
    struct iovec iov = {(char *)(uintptr_t)text, strlen(text)};
    size_t put;
    return stream_write(f.stream, &iov, 1, &put);
}

/* Writes until the stream refuses more. */
static enum stream_status write_all(void)
{
    enum stream_status status;
    static char page[4096];
    struct iovec iov = {page, sizeof page};
    size_t put;
    do
        status = stream_write(f.stream, &iov, 1, &put);
    while (status == STREAM_OK);
    return status;
}

static void test_reads_what_came_and_then_the_end(void **state)
{
    (void)state;
    check_read(STREAM_AGAIN, "");
    peer_says("water");
    assert_int_equal(stream_held(f.stream), 5);
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.readable, 1);
    check_read(STREAM_OK, "water");
    check_read(STREAM_AGAIN, "");
    peer_says("last");
    peer_closes();
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.readable, 2);
    check_read(STREAM_OK, "last");
    check_read(STREAM_END, "");
    assert_int_equal(f.ends + f.resets, 0); /* it was not resting */
}

static void test_writes_and_shuts_down(void **state)
{
    (void)state;
    char got[8];
    assert_int_equal(write_text("water"), STREAM_OK);
    stream_shutdown(f.stream);
    assert_int_equal(recv(f.peer, got, sizeof got, 0), 5);
    assert_int_equal(recv(f.peer, got, sizeof got, 0), 0);
    peer_says("still");
    check_read(STREAM_OK, "still");
}

static void test_resting_reads_nothing(void **state)
{
    (void)state;
    rest(false);
    peer_says("water");
    sockets_turns(f.reactor, 3);
    assert_int_equal(f.readable + f.writable + f.ends + f.resets, 0);
    assert_true(sockets_count_wakes(f.reactor) <= WAKES_MAX);
    assert_true(stream_set(f.stream, STREAM_READING, false));
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.readable, 1);
    check_read(STREAM_OK, "water");
}

static void test_arrivals_are_reported_once_each(void **state)
{
    (void)state;
    uint8_t seen[8];
    size_t got = 0;
    peer_says("one");
    assert_true(stream_set(f.stream, STREAM_ARRIVALS, false));
    assert_true(sockets_count_wakes(f.reactor) < WAKES_MAX);
    assert_int_equal(f.readable, 1); /* what was there already */
    peer_says("two");
    sockets_turns(f.reactor, 3);
    assert_int_equal(f.readable, 2);
    assert_true(stream_can_peek(f.stream));
    assert_int_equal(stream_peek(f.stream, seen, sizeof seen, &got), STREAM_OK);
    assert_int_equal(got, 6);
    assert_memory_equal(seen, "onetwo", 6);
    check_read(STREAM_OK, "onetwo"); /* it was still there */
    peer_closes();
    assert_true(sockets_count_wakes(f.reactor) < WAKES_MAX);
    assert_int_equal(f.ends, 1);
    assert_int_equal(stream_peek(f.stream, seen, sizeof seen, &got),
                     STREAM_END);
}

static void test_resting_hears_the_end_once(void **state)
{
    (void)state;
    rest(false);
    peer_says("last");
    peer_closes();
    sockets_turns(f.reactor, 5);
    assert_int_equal(f.ends, 1);
    assert_int_equal(f.resets, 0);
    assert_true(sockets_count_wakes(f.reactor) <= WAKES_MAX);
    assert_int_equal(f.ends, 1);
    check_read(STREAM_OK, "last");
    check_read(STREAM_END, "");
}

static void test_resting_hears_an_end_that_came_before(void **state)
{
    (void)state;
    peer_closes();
    rest(false);
    sockets_turns(f.reactor, 2);
    assert_int_equal(f.ends, 1);
}

static void test_resting_hears_a_reset_and_does_not_spin(void **state)
{
    (void)state;
    rest(false);
    peer_resets();
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.resets, 1);
    assert_int_equal(f.ends, 0);
    assert_true(sockets_count_wakes(f.reactor) <= WAKES_MAX);
}

static void test_reset_after_the_end_is_the_end(void **state)
{
    (void)state;
    rest(false);
    peer_says("last");
    shutdown(f.peer, SHUT_WR);
    sockets_turns(f.reactor, 2);
    assert_int_equal(f.ends, 1);
    peer_resets();
    sockets_turns(f.reactor, 2);
    assert_int_equal(f.ends, 1);
    assert_int_equal(f.resets, 0);
    assert_true(sockets_count_wakes(f.reactor) <= WAKES_MAX);
    check_read(STREAM_OK, "last");
}

static void test_refused_output_after_the_end_is_the_end(void **state)
{
    (void)state;
    peer_says("last");
    peer_closes();
    assert_int_equal(write_all(), STREAM_END);
    check_read(STREAM_OK, "last");
}

static void test_reset_without_an_end_is_a_reset(void **state)
{
    (void)state;
    peer_resets();
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.readable, 1);
    check_read(STREAM_RESET, "");
}

static void test_full_socket_says_when_there_is_room(void **state)
{
    (void)state;
    assert_int_equal(write_all(), STREAM_AGAIN);
    assert_true(stream_set(f.stream, STREAM_READING, true));
    assert_true(stream_wants_write(f.stream));
    sockets_turns(f.reactor, 3);
    assert_int_equal(f.writable, 0);
    while (f.writable == 0 && sockets_drain(f.peer) > 0)
        sockets_turns(f.reactor, 1);
    assert_true(f.writable > 0);
    assert_int_equal(write_text("more"), STREAM_OK);
    assert_true(stream_set(f.stream, STREAM_READING, false));
    int before = f.writable;
    sockets_turns(f.reactor, 3);
    assert_int_equal(f.writable, before);
}

static void test_resting_says_when_there_is_room(void **state)
{
    (void)state;
    assert_int_equal(write_all(), STREAM_AGAIN);
    rest(true);
    sockets_turns(f.reactor, 3);
    assert_int_equal(f.writable, 0);
    while (f.writable == 0 && sockets_drain(f.peer) > 0)
        sockets_turns(f.reactor, 1);
    assert_true(f.writable > 0);
    assert_true(sockets_count_wakes(f.reactor) <= WAKES_MAX);
}

static void test_resting_tells_of_room_that_is_there_already(void **state)
{
    (void)state;
    rest(false);
    sockets_turns(f.reactor, 2);
    assert_int_equal(f.writable, 0);
    rest(true);
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.writable, 1);
}

static void test_closed_stream_is_silent_and_gone(void **state)
{
    (void)state;
    char got;
    peer_says("water");
    stream_close(f.stream);
    assert_int_equal(stream_get_mode(f.stream), STREAM_CLOSED);
    assert_true(recv(f.peer, &got, 1, 0) <= 0);
    sockets_turns(f.reactor, 3);
    assert_int_equal(f.readable + f.writable + f.ends + f.resets, 0);
    /* Its memory was freed with the turn: nothing may look at it any more. */
    f.stream = NULL;
}

static void close_stream(void *owner)
{
    on_readable(owner);
    stream_close(f.stream);
}

static void test_may_be_closed_from_its_own_callback(void **state)
{
    (void)state;
    static const struct stream_events closing = {close_stream, on_writable,
                                                 on_end};
    int ends[2];
    sockets_tcp_pair(ends);
    struct stream *first = f.stream;
    f.stream = stream_open(f.reactor, ends[1], &closing, &f);
    assert_true(stream_set(f.stream, STREAM_READING, true));
    assert_int_equal(send(ends[0], "x", 1, 0), 1);
    sockets_turns(f.reactor, 2); /* readable and writable at once */
    assert_int_equal(f.readable, 1);
    assert_int_equal(f.writable, 0);
    f.stream = first;
    close(ends[0]);
}

/* A transport as encryption is one: on the wire each letter is the next one,
 * whatever comes is taken at once and given out as it is asked for, and what
 * is written waits until the stream is shut down. */
static struct cipher {
    struct transport transport;
    char in[64], out[64];
    size_t in_bytes, out_bytes;
    int closed;
} cipher;

static enum stream_status cipher_read(struct transport *t, int fd,
                                      const struct iovec *iov, int iovs,
                                      size_t *got)
{
    struct iovec room = {cipher.in, sizeof cipher.in};
    enum stream_status status = STREAM_OK;
    assert_true(iovs > 0);
    if (cipher.in_bytes == 0)
        status = transport_read(&t->below, fd, &room, 1, &cipher.in_bytes);
    if (status != STREAM_OK)
        return status;
    *got = iov->iov_len < cipher.in_bytes ? iov->iov_len : cipher.in_bytes;
    for (size_t i = 0; i < *got; i++)
        ((char *)iov->iov_base)[i] = (char)(cipher.in[i] - 1);
    cipher.in_bytes -= *got;
    memmove(cipher.in, cipher.in + *got, cipher.in_bytes);
    return STREAM_OK;
}

static enum stream_status cipher_write(struct transport *t, int fd,
                                       const struct iovec *iov, int iovs,
                                       size_t *put)
{
    (void)t;
    (void)fd;
    assert_int_equal(iovs, 1);
    *put = iov->iov_len;
    for (size_t i = 0; i < iov->iov_len; i++)
        cipher.out[cipher.out_bytes++] = (char)(((char *)iov->iov_base)[i] + 1);
    return STREAM_OK;
}

static void cipher_shutdown(struct transport *t, int fd)
{
    struct iovec all = {cipher.out, cipher.out_bytes};
    size_t put;
    assert_int_equal(transport_write(t->below, fd, &all, 1, &put), STREAM_OK);
    assert_int_equal(put, cipher.out_bytes);
    cipher.out_bytes = 0;
}

static size_t cipher_held(const struct transport *t)
{
    (void)t;
    return cipher.in_bytes;
}

static size_t cipher_unconfirmed(const struct transport *t)
{
    (void)t;
    return cipher.out_bytes;
}

static void cipher_close(struct transport *t)
{
    assert_ptr_equal(t, &cipher.transport);
    cipher.closed++;
}

static const struct transport_ops cipher_ops = {
    .read = cipher_read,
    .write = cipher_write,
    .shutdown = cipher_shutdown,
    .held = cipher_held,
    .unconfirmed = cipher_unconfirmed,
    .close = cipher_close,
};

static void add_cipher(void)
{
    cipher = (struct cipher){.transport = {.ops = &cipher_ops}};
    stream_add_transport(f.stream, &cipher.transport);
}

static void check_peer_hears(const char *text)
{
    char got[16] = "";
    ssize_t n = recv(f.peer, got, sizeof got - 1, 0);
    assert_int_equal(n, strlen(text));
    assert_string_equal(got, text);
}

static void test_transport_is_between_stream_and_socket(void **state)
{
    (void)state;
    add_cipher();
    peer_says("xbufs");
    check_read(STREAM_OK, "wate");
    check_read(STREAM_OK, "r");
    check_read(STREAM_AGAIN, "");
    assert_int_equal(write_text("ice"), STREAM_OK);
    assert_int_equal(stream_unconfirmed(f.stream), 3);
    stream_shutdown(f.stream);
    check_peer_hears("jdf");
    check_peer_hears("");
    peer_closes();
    check_read(STREAM_END, "");
    stream_close(f.stream);
    f.stream = NULL;
    assert_int_equal(cipher.closed, 1);
}

/* The socket has nothing any more, so the loop does not hear of it. */
static void test_what_a_transport_holds_is_readable(void **state)
{
    (void)state;
    add_cipher();
    peer_says("bcdefghij");
    sockets_turns(f.reactor, 1);
    check_read(STREAM_OK, "abcd");
    assert_int_equal(stream_held(f.stream), 5);
    rest(false);
    f.readable = 0;
    sockets_turns(f.reactor, 3);
    assert_int_equal(f.readable, 0);
    assert_true(stream_set(f.stream, STREAM_READING, false));
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.readable, 1);
    check_read(STREAM_OK, "efgh");
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.readable, 2);
    check_read(STREAM_OK, "i");
    assert_true(sockets_count_wakes(f.reactor) <= WAKES_MAX);
}

static int other; /* an owner */

static void on_other_readable(void *owner)
{
    assert_ptr_equal(owner, &other);
    other++;
}

static const struct stream_events other_events = {on_other_readable,
                                                  on_writable, on_end};

static void hand_over(const char *text)
{
    assert_true(stream_hand_over(f.stream, &other_events, &other,
                                 (const uint8_t *)text, strlen(text)));
}

static void test_new_owner_reads_first_what_the_old_one_had_read(void **state)
{
    (void)state;
    rest(true);
    other = 0;
    hand_over("GET /ten");
    assert_int_equal(stream_get_mode(f.stream), STREAM_READING);
    assert_false(stream_wants_write(f.stream));
    peer_says("der");
    assert_int_equal(stream_held(f.stream), 11);
    sockets_turns(f.reactor, 1);
    assert_int_equal(other, 1);
    check_read(STREAM_OK, "GET /ten");
    check_read(STREAM_OK, "der");
    check_read(STREAM_AGAIN, "");
    assert_int_equal(write_text("ok"), STREAM_OK);
    check_peer_hears("ok");
    peer_closes();
    check_read(STREAM_END, "");
    assert_int_equal(f.readable, 0);
}

static void test_new_owner_is_called_though_the_socket_is_silent(void **state)
{
    (void)state;
    other = 0;
    hand_over("0123456789");
    sockets_turns(f.reactor, 1);
    assert_int_equal(other, 1);
    check_read(STREAM_OK, "01234567");
    sockets_turns(f.reactor, 1);
    assert_int_equal(other, 2);
    check_read(STREAM_OK, "89");
    assert_true(sockets_count_wakes(f.reactor) <= WAKES_MAX);
}

/* A protocol that begins in the clear: its first bytes were read already. */
static void test_transport_may_sit_on_what_was_handed_over(void **state)
{
    (void)state;
    hand_over("xbu");
    add_cipher();
    peer_says("fs");
    check_read(STREAM_OK, "wat"); /* they do not mix in one read */
    check_read(STREAM_OK, "er");
    check_read(STREAM_AGAIN, "");
    stream_close(f.stream);
    f.stream = NULL;
    assert_int_equal(cipher.closed, 1);
}

#define TCP_TEST(test)                                                         \
    cmocka_unit_test_setup_teardown(test, open_tcp, close_all)
#define UNIX_TEST(test)                                                        \
    {                                                                          \
        "unix: " #test, test, open_unix, close_all, NULL                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TCP_TEST(test_reads_what_came_and_then_the_end),
        UNIX_TEST(test_reads_what_came_and_then_the_end),
        TCP_TEST(test_writes_and_shuts_down),
        UNIX_TEST(test_writes_and_shuts_down),
        TCP_TEST(test_resting_reads_nothing),
        UNIX_TEST(test_resting_reads_nothing),
        TCP_TEST(test_arrivals_are_reported_once_each),
        UNIX_TEST(test_arrivals_are_reported_once_each),
        TCP_TEST(test_resting_hears_the_end_once),
        UNIX_TEST(test_resting_hears_the_end_once),
        TCP_TEST(test_resting_hears_an_end_that_came_before),
        TCP_TEST(test_resting_hears_a_reset_and_does_not_spin),
        TCP_TEST(test_reset_after_the_end_is_the_end),
        TCP_TEST(test_refused_output_after_the_end_is_the_end),
        UNIX_TEST(test_refused_output_after_the_end_is_the_end),
        TCP_TEST(test_reset_without_an_end_is_a_reset),
        TCP_TEST(test_full_socket_says_when_there_is_room),
        UNIX_TEST(test_full_socket_says_when_there_is_room),
        TCP_TEST(test_resting_says_when_there_is_room),
        UNIX_TEST(test_resting_says_when_there_is_room),
        TCP_TEST(test_resting_tells_of_room_that_is_there_already),
        TCP_TEST(test_closed_stream_is_silent_and_gone),
        TCP_TEST(test_may_be_closed_from_its_own_callback),
        TCP_TEST(test_transport_is_between_stream_and_socket),
        TCP_TEST(test_what_a_transport_holds_is_readable),
        TCP_TEST(test_new_owner_reads_first_what_the_old_one_had_read),
        TCP_TEST(test_new_owner_is_called_though_the_socket_is_silent),
        TCP_TEST(test_transport_may_sit_on_what_was_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
