/* SPDX-License-Identifier: MIT
 *
 * Guests are called as all streams are, and do not make the loop spin, either;
 * but however many of them there are, they come behind those that were
 * promoted.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/net/reactor.h"
#include "broker/net/stream.h"
#include "tests/unit/sockets.h"
#include "tests/unit/unit.h"

enum { WAKES_MAX = 8, CROWD = 3 * REACTOR_STEPS_MAX };

struct guest {
    struct stream *stream; /* NULL when closed */
    int peer;              /* -1 when closed */
    int readable, writable, ends, resets;
    bool leaves; /* closes when it is called */
};

static struct fixture {
    struct reactor *reactor;
    struct guest one, crowd[CROWD];
} f;

static void guest_close(struct guest *g)
{
    if (g->stream)
        stream_close(g->stream);
    if (g->peer >= 0)
        close(g->peer);
    g->stream = NULL;
    g->peer = -1;
}

static void on_readable(void *owner)
{
    struct guest *g = owner;
    g->readable++;
    if (g->leaves)
        guest_close(g);
}

static void on_writable(void *owner)
{
    ((struct guest *)owner)->writable++;
}

static void on_end(void *owner, enum stream_status how)
{
    struct guest *g = owner;
    if (how == STREAM_END)
        g->ends++;
    else
        g->resets++;
}

static const struct stream_events events = {on_readable, on_writable, on_end};

struct event;

static int refused; /* calls that the system is going to refuse */

int __real_event_add(struct event *e, const struct timeval *timeout);
int __wrap_event_add(struct event *e, const struct timeval *timeout);

int __wrap_event_add(struct event *e, const struct timeval *timeout)
{
    return refused > 0 && refused-- ? -1 : __real_event_add(e, timeout);
}

static void guest_open(struct guest *g)
{
    int ends[2];
    sockets_tcp_pair(ends);
    *g = (struct guest){.peer = ends[0]};
    g->stream = stream_open(f.reactor, ends[1], &events, g);
    assert_non_null(g->stream);
}

static int open_one(void **state)
{
    (void)state;
    f = (struct fixture){.reactor = reactor_new()};
    for (size_t i = 0; i < CROWD; i++)
        f.crowd[i].peer = -1;
    guest_open(&f.one);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    guest_close(&f.one);
    for (size_t i = 0; i < CROWD; i++)
        guest_close(&f.crowd[i]);
    reactor_free(f.reactor);
    return 0;
}

static void peer_says(const char *text)
{
    size_t n = strlen(text);
    assert_int_equal(send(f.one.peer, text, n, MSG_NOSIGNAL), n);
}

static void peer_closes(void)
{
    close(f.one.peer);
    f.one.peer = -1;
}

static void rest(void)
{
    assert_true(stream_set(f.one.stream, STREAM_RESTING, false));
}

static void check_read(enum stream_status expected, const char *text)
{
    char room[4];
    struct iovec iov = {room, sizeof room};
    size_t got = 0;
    assert_int_equal(stream_read(f.one.stream, &iov, 1, &got), expected);
    assert_int_equal(got, strlen(text));
    assert_memory_equal(room, text, got);
}

static void check_is_quiet(void)
{
    assert_true(sockets_count_wakes(f.reactor) <= WAKES_MAX);
}

/* All of them have left before it says something. */
static void test_a_crowd_that_leaves_comes_behind_who_works(void **state)
{
    (void)state;
    size_t called = 0;
    for (size_t i = 0; i < CROWD; i++) {
        guest_open(&f.crowd[i]);
        f.crowd[i].leaves = true;
        shutdown(f.crowd[i].peer, SHUT_WR);
    }
    stream_promote(f.one.stream);
    sockets_turns(f.reactor, 1);
    peer_says("work");
    sockets_turns(f.reactor, 1);
    for (size_t i = 0; i < CROWD; i++)
        called += f.crowd[i].readable > 0;
    assert_int_equal(f.one.readable, 1);
    assert_in_range(called, 1, REACTOR_STEPS_MAX);
}

/* None is called twice before the others were called. */
static void test_guests_take_turns(void **state)
{
    (void)state;
    for (size_t i = 0; i < CROWD; i++) {
        guest_open(&f.crowd[i]);
        assert_int_equal(send(f.crowd[i].peer, "x", 1, 0), 1);
    }
    sockets_turns(f.reactor, 1 + CROWD / REACTOR_STEPS_MAX);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(f.crowd[i].readable, 1);
}

static void test_a_guest_reads_and_sees_the_end(void **state)
{
    (void)state;
    peer_says("work");
    sockets_turns(f.reactor, 2);
    assert_true(f.one.readable > 0);
    check_read(STREAM_OK, "work");
    check_is_quiet();
    f.one.readable = 0;
    peer_closes();
    sockets_turns(f.reactor, 2);
    assert_true(f.one.readable > 0);
    check_read(STREAM_END, "");
}

static void test_a_guest_at_rest_hears_the_end_once(void **state)
{
    (void)state;
    rest();
    peer_says("last");
    sockets_turns(f.reactor, 3);
    assert_int_equal(f.one.readable + f.one.ends + f.one.resets, 0);
    peer_closes();
    sockets_turns(f.reactor, 5);
    assert_int_equal(f.one.ends, 1);
    check_is_quiet();
    assert_int_equal(f.one.ends, 1);
    assert_int_equal(f.one.readable + f.one.resets, 0);
    check_read(STREAM_OK, "last");
}

static void test_a_guest_at_rest_hears_a_reset_and_does_not_spin(void **state)
{
    (void)state;
    rest();
    sockets_reset(f.one.peer);
    f.one.peer = -1;
    sockets_turns(f.reactor, 3);
    assert_int_equal(f.one.resets, 1);
    assert_int_equal(f.one.readable + f.one.ends, 0);
    check_is_quiet();
}

/* The socket is silent; before it is promoted, and after. */
static void test_what_a_transport_of_a_guest_holds_is_readable(void **state)
{
    (void)state;
    assert_true(stream_hand_over(f.one.stream, &events, &f.one,
                                 (const uint8_t *)"firstsecond", 11));
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.one.readable, 1);
    check_read(STREAM_OK, "firs");
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.one.readable, 2);
    check_read(STREAM_OK, "tsec");
    stream_promote(f.one.stream);
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.one.readable, 3);
    check_read(STREAM_OK, "ond");
    check_is_quiet();
}

/* A guest would be called in the turn after that. */
static void test_a_guest_that_is_sent_much_is_promoted(void **state)
{
    (void)state;
    assert_true(stream_set(f.one.stream, STREAM_READING, true));
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.one.writable, 1);
    assert_true(stream_set(f.one.stream, STREAM_READING, false));
    peer_says("work");
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.one.readable, 1);
}

static void test_is_watched_though_the_system_refused_it_once(void **state)
{
    (void)state;
    refused = 1;
    stream_promote(f.one.stream);
    assert_int_equal(refused, 0);
    peer_says("word");
    sockets_turns(f.reactor, 2);
    assert_int_not_equal(f.one.readable, 0);
    check_read(STREAM_OK, "word");
    assert_int_equal(f.one.resets, 0);
}

static void test_is_broken_when_the_system_refuses_it_twice(void **state)
{
    (void)state;
    refused = 2;
    stream_promote(f.one.stream);
    sockets_turns(f.reactor, 2);
    assert_int_equal(refused, 0);
    assert_int_equal(f.one.resets, 1);
    assert_int_equal(f.one.readable, 0);
}

#define GUEST_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(test, open_one, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUEST_TEST(test_a_crowd_that_leaves_comes_behind_who_works),
        GUEST_TEST(test_guests_take_turns),
        GUEST_TEST(test_a_guest_reads_and_sees_the_end),
        GUEST_TEST(test_a_guest_at_rest_hears_the_end_once),
        GUEST_TEST(test_a_guest_at_rest_hears_a_reset_and_does_not_spin),
        GUEST_TEST(test_what_a_transport_of_a_guest_holds_is_readable),
        GUEST_TEST(test_a_guest_that_is_sent_much_is_promoted),
        GUEST_TEST(test_is_watched_though_the_system_refused_it_once),
        GUEST_TEST(test_is_broken_when_the_system_refuses_it_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
