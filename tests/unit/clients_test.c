/* SPDX-License-Identifier: MIT
 *
 * Clients that take their time, or more than their share; and stopping, which
 * all of them see.
 */
#include "broker/session/clients.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/net/reactor.h"
#include "broker/session/client_views.h"
#include "broker/session/clients_turn.h"
#include "tests/unit/session_rig.h"
#include "tests/unit/sockets.h"
#include "tests/unit/unit.h"

enum { CROWD_MAX = 10000 };

static const struct {
    enum wait_kind wait;
    const char *bytes;
    size_t n;
    const char *logged;
} timeouts[] = {
    {WAIT_HELLO, STRING(""), "reason=hello_timeout"},
    {WAIT_HELLO, STRING("\0\0\0\5/to"), "reason=hello_timeout"},
    {WAIT_FRAME, STRING("\0\0\0\1t\0\0"), "reason=frame_timeout"},
    {WAIT_FRAME, STRING("\0\0\0\1t\0\0\0\1t"), "reason=frame_timeout"},
    {WAIT_FRAME, STRING("\0\0\0\1t\0\0\0\1t\0\0\0\4wa"),
     "reason=frame_timeout"},
    {WAIT_FRAME, STRING("\0\0\0\1t\0\0\0\1t\0\1\0\0wa"),
     "reason=frame_timeout"},
};

static void test_every_wait_has_an_end(void **state)
{
    struct fixture *f = *state;
    say_frame(f, f->b, "t"); /* stays: silent between frames is allowed */
    for (size_t i = 0; i < UNIT_COUNT(timeouts); i++) {
        f->house.clients.waits.limit_ms[WAIT_HELLO] = 1000000;
        f->house.clients.waits.limit_ms[WAIT_FRAME] = 1000000;
        f->house.clients.waits.limit_ms[timeouts[i].wait] = 1;
        hang_up(&f->a);
        turns(f, 2);
        f->a = house_connect(&f->house);
        turns(f, 1); /* as after every accept, or no timer is set */
        if (timeouts[i].n > 0)
            assert_int_equal(send(f->a, timeouts[i].bytes, timeouts[i].n, 0),
                             timeouts[i].n);
        run_until(f, 1);
        check_logged(f, timeouts[i].logged);
        check_heard(f, f->a, "$");
    }
    assert_int_equal(count(f, COUNT_closed_timeout), UNIT_COUNT(timeouts));
}

/* The broker stands still while the time ends, and the client does not. */
static void test_bytes_that_came_in_time_are_read_before_judging(void **state)
{
    struct fixture *f = *state;
    struct clients *all = &f->house.clients;
    say_frame(f, f->a, "t");
    say_bytes(f, f->a, STRING("\0\0\0\1t\0\0\0\4wa"));
    assert_int_equal(send(f->a, "te", 2, 0), 2);
    assert_int_equal(send(f->b, "\0\0\0\1u", 5, 0), 5);
    waits_first(&all->waits, WAIT_FRAME)->since -= 3600 * 1000;
    waits_first(&all->waits, WAIT_HELLO)->since -= 3600 * 1000;
    waits_fire(&all->waits, reactor_now_ms(all->reactor));
    turns(f, 2);
    assert_int_equal(count(f, COUNT_closed_timeout), 0);
    assert_int_equal(count(f, COUNT_subscribers), 2);
    check_heard(f, f->a, "wate|");
}

/* And what is still on its way then has a little time to arrive. */
static void test_time_that_the_broker_stood_still_does_not_count(void **state)
{
    struct fixture *f = *state;
    struct clients *all = &f->house.clients;
    say_frame(f, f->a, "t");
    say_bytes(f, f->a, STRING("\0\0\0\1t\0\0\0\4wa"));
    waits_first(&all->waits, WAIT_FRAME)->since -= 3600 * 1000;
    all->timer_at -= 3600 * 1000; /* the timer should have fired then */
    assert_true(reactor_timer_start(all->timer, 0));
    turns(f, 2);
    assert_int_equal(count(f, COUNT_closed_timeout), 0);
    assert_true(waits_next_ms(&all->waits, reactor_now_ms(all->reactor)) > 0);
    say_bytes(f, f->a, STRING("te"));
    check_heard(f, f->a, "wate|");
}

/* `fd` begins a message that there is no room for, because `f->b` has begun
 * one. */
static void leave_beginning(struct fixture *f, int fd)
{
    static const char head[9] = "\0\0\0\1t\0\0\x0f\0";
    static const char body[3000];
    f->house.budget.limit_bytes = 4 * sizeof body;
    say_bytes(f, f->b, STRING("\0\0"));
    say_frame(f, fd, "t");
    say_bytes(f, fd, head, sizeof head);
    say_bytes(f, fd, body, sizeof body);
}

/* And its client is not closed for the lack of room. */
static void test_beginning_without_room_is_left_until_it_is_whole(void **state)
{
    struct fixture *f = *state;
    static const char rest[0xf00 - 3000];
    leave_beginning(f, f->a);
    assert_int_equal(count(f, COUNT_beginnings_left), 1);
    uint64_t held = f->house.budget.used_bytes;
    say_bytes(f, f->a, rest, sizeof rest / 2);
    assert_int_equal(f->house.budget.used_bytes, held);
    assert_int_equal(count(f, COUNT_messages_in), 0);
    say_bytes(f, f->a, rest, sizeof rest - sizeof rest / 2);
    assert_int_equal(count(f, COUNT_messages_in), 1);
    assert_int_equal(count(f, COUNT_connections), 2);
    say_pair(f, f->a, "t", "x");
    assert_int_equal(count(f, COUNT_messages_in), 2);
}

static void test_left_beginning_does_not_make_the_loop_spin(void **state)
{
    struct fixture *f = *state;
    leave_beginning(f, f->a);
    assert_true(sockets_count_wakes(f->house.reactor) < 8);
}

static void test_left_beginning_that_ends_is_closed(void **state)
{
    struct fixture *f = *state;
    leave_beginning(f, f->a);
    assert_int_equal(shutdown(f->a, SHUT_WR), 0);
    turns(f, 3);
    assert_int_equal(count(f, COUNT_connections), 1);
    check_logged(f, "reason=eof");
}

static void test_left_beginning_without_progress_is_timed_out(void **state)
{
    struct fixture *f = *state;
    struct clients *all = &f->house.clients;
    leave_beginning(f, f->a);
    waits_first(&all->waits, WAIT_FRAME)->since -= 3600 * 1000;
    waits_fire(&all->waits, reactor_now_ms(all->reactor));
    turns(f, 2);
    check_logged(f, "reason=frame_timeout");
}

static void test_left_beginning_that_came_in_time_is_not(void **state)
{
    struct fixture *f = *state;
    struct clients *all = &f->house.clients;
    static const char rest[0xf00 - 3000];
    leave_beginning(f, f->a);
    assert_int_equal(send(f->a, rest, sizeof rest, 0), sizeof rest);
    waits_first(&all->waits, WAIT_FRAME)->since -= 3600 * 1000;
    waits_fire(&all->waits, reactor_now_ms(all->reactor));
    turns(f, 2);
    assert_int_equal(count(f, COUNT_messages_in), 1);
    assert_int_equal(count(f, COUNT_closed_timeout), 0);
}

/* It is longer than what the kernel takes, so it cannot wait there. */
static void test_large_message_waits_for_room_to_begin(void **state)
{
    struct fixture *f = *state;
    struct budget *budget = &f->house.budget;
    static char message[9 + 20000] = "\0\0\0\1t\0\0\x4e\x20";
    budget->limit_bytes = 300000;
    say_bytes(f, f->b, STRING("\0\0"));
    say_frame(f, f->a, "");
    size_t others = budget->limit_bytes - budget->used_bytes - 100;
    budget_charge(budget, others);
    say_bytes(f, f->a, message, sizeof message);
    assert_int_equal(count(f, COUNT_memory_waits), 1);
    assert_int_equal(budget->used_bytes, budget->limit_bytes - 100);
    budget_refund(budget, others);
    turns(f, 4);
    assert_int_equal(count(f, COUNT_messages_in), 1);
}

/* Otherwise a client that breaks off behind a name, again and again, would
 * fill the memory with channels. */
static void test_name_without_its_message_leaves_no_channel(void **state)
{
    struct fixture *f = *state;
    say_frame(f, f->a, "");
    say_frame(f, f->a, "/queue/begun");
    assert_int_equal(count(f, COUNT_channels), 0);
    say_frame(f, f->a, "water");
    assert_int_equal(count(f, COUNT_channels), 1);
    say_frame(f, f->b, "");
    say_frame(f, f->b, "/topic/held");
    say_bytes(f, f->b, STRING("\xff\xff\xff\xff"));
    check_logged(f, "reason=frame_too_long");
    assert_int_equal(count(f, COUNT_channels), 1);
}

/* It would wait forever, even after its client has gone: a client that waits
 * for memory is not read. */
static void test_message_too_long_for_new_bounds_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    struct budget *budget = &f->house.budget;
    static const char piece[20000] = "\0\0\0\1t\0\0\xea\x60";
    budget->limit_bytes = 300000;
    budget_charge(budget, 250000);
    say_frame(f, f->a, "");
    say_bytes(f, f->a, piece, sizeof piece);
    assert_int_equal(count(f, COUNT_memory_waits), 1);
    budget_refund(budget, 250000);
    budget->limit_bytes = 50000;
    f->house.clients.config.max_frame_bytes = 25000;
    turns(f, 2);
    check_logged(f, "reason=frame_too_long");
    assert_int_equal(count(f, COUNT_connections), 1);
}

/* Sends the beginning of a message of 90,000 bytes. */
static void begin_message(struct fixture *f, int fd, size_t n)
{
    static const char zeros[80000];
    say_bytes(f, fd, STRING("\0\0\0\1t\0\1\x5f\x90"));
    for (size_t sent = 0; sent < n; sent += 10000)
        say_bytes(f, fd, zeros, 10000);
}

/* Memory granted to a client that stalls is taken back. The part of its
 * message that has arrived must not close clients that begin one. */
static void test_who_begins_has_room_beside_those_who_stall(void **state)
{
    struct fixture *f = *state;
    struct clients *all = &f->house.clients;
    int c = house_connect(&f->house);
    f->house.budget.limit_bytes = 320000;
    say_frame(f, f->a, "/null");
    say_frame(f, f->b, "/null");
    say_frame(f, c, "/null");
    begin_message(f, f->a, 80000);
    begin_message(f, f->b, 10000); /* waits: half of the memory is for two */
    assert_int_equal(count(f, COUNT_memory_waits), 1);
    waits_first(&all->waits, WAIT_FRAME)->since -= ADMISSION_IDLE_GRANT_MS;
    for (clock_ms at = all->timer_at; at == all->timer_at;)
        turns(f, 1); /* until the timer has fired, in so many ms */
    begin_message(f, c, 10000);
    assert_int_equal(count(f, COUNT_connections), 3);
    hang_up(&c);
}

static void test_draining_delivers_what_is_owed_then_closes(void **state)
{
    struct fixture *f = *state;
    say_frame(f, f->a, "t");
    say_frame(f, f->b, "/null");
    assert_int_equal(send(f->b, "\0\0\0\1t\0\0\0\4last", 13, 0), 13);
    clients_drain(&f->house.clients); /* reads what the kernel has */
    turns(f, 3);
    assert_true(clients_are_drained(&f->house.clients));
    clients_finish(&f->house.clients);
    turns(f, 1);
    check_heard(f, f->a, "last|");
    run_until(f, 0);
    check_heard(f, f->a, "$");
}

/* As many as descriptors allow, two for each: they are subscribed and owed
 * nothing. */
static size_t connect_crowd(struct fixture *f, int fds[CROWD_MAX])
{
    struct rlimit limit;
    size_t n = 0;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    size_t possible = (limit.rlim_cur - 100) / 2;
    while (n < CROWD_MAX && n < possible) {
        fds[n] = house_connect(&f->house);
        assert_true(fds[n] >= 0);
        assert_int_equal(send(fds[n++], "\0\0\0\5crowd", 9, 0), 9);
    }
    for (size_t i = 0; i < n && count(f, COUNT_subscribers) < n; i++)
        turns(f, 1); /* each hears of some */
    assert_int_equal(count(f, COUNT_subscribers), n);
    return n;
}

/* A thousand idle clients that vanish together are looked at a few in a turn,
 * and the one that works is not one of these. */
static void test_a_crowd_that_leaves_does_not_delay_who_works(void **state)
{
    struct fixture *f = *state;
    enum { CROWD = 4 * REACTOR_STEPS_MAX };
    int fds[CROWD];
    say_frame(f, f->b, "t");
    say_frame(f, f->a, "/null");
    say_pair(f, f->a, "t", "first"); /* it works from now on */
    check_heard(f, f->b, "first|");
    for (size_t i = 0; i < CROWD; i++) {
        fds[i] = house_connect(&f->house);
        say_frame(f, fds[i], "crowd");
    }
    for (size_t i = 0; i < CROWD; i++)
        close(fds[i]);
    assert_int_equal(send(f->a, "\0\0\0\1t\0\0\0\4next", 13, 0), 13);
    (void)reactor_turn(f->house.reactor, false, clients_turn_end,
                       &f->house.clients);
    assert_int_equal(count(f, COUNT_messages_in), 2);
    assert_true(count(f, COUNT_closed) <= REACTOR_STEPS_MAX);
    check_heard(f, f->b, "next|");
}

/* The lists of the copy lead nowhere: following them crashes. */
static bool is_drained_by_counting(const struct fixture *f)
{
    static struct clients copy;
    copy = f->house.clients;
    copy.list = (struct list){NULL, NULL};
    memset(copy.waits.lists, 0, sizeof copy.waits.lists);
    return clients_are_drained(&copy);
}

static void test_stop_that_one_delays_does_not_look_at_the_others(void **state)
{
    struct fixture *f = *state;
    static int fds[CROWD_MAX];
    size_t crowd = connect_crowd(f, fds);
    say_frame(f, f->a, "/queue");
    say_frame(f, f->b, "/null");
    for (int i = 0; i < 20; i++) { /* more than its socket takes */
        char pair[10 + 4 + 1000] = "\0\0\0\6/queue\0\0\3\xe8";
        say_bytes(f, f->b, pair, sizeof pair);
    }
    clients_drain(&f->house.clients);
    turns(f, 2);
    assert_int_equal(f->house.clients.undrained, 1);
    assert_false(is_drained_by_counting(f));
    (void)heard(f, f->a);
    assert_int_equal(f->house.clients.undrained, 0);
    assert_true(is_drained_by_counting(f));
    clients_finish(&f->house.clients);
    run_until(f, 0);
    while (crowd > 0)
        close(fds[--crowd]);
}

/* The numbers of the clients shown, one digit each. */
static void note_shown(void *arg, const struct view *v)
{
    uint64_t *shown = arg;
    *shown = *shown * 10 + v->conn;
}

/* The walk's place is taken by the client behind it. */
static void
test_clients_that_leave_do_not_end_a_walk_over_the_others(void **state)
{
    struct fixture *f = *state;
    struct clients *all = &f->house.clients;
    uint64_t shown = 0;
    int c = house_connect(&f->house), d = house_connect(&f->house);
    client_views_begin(all);
    assert_true(client_views_show(all, 1, note_shown, &shown));
    hang_up(&f->b);
    hang_up(&f->a);
    hang_up(&c);
    turns(f, 2);
    assert_false(client_views_show(all, 9, note_shown, &shown));
    assert_int_equal(shown, 14);
    assert_false(client_views_show(all, 9, note_shown, &shown));
    hang_up(&d);
}

#define SESSION_TEST(test)                                                     \
    cmocka_unit_test_setup_teardown(test, session_rig_open, session_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION_TEST(test_clients_that_leave_do_not_end_a_walk_over_the_others),
        SESSION_TEST(test_every_wait_has_an_end),
        SESSION_TEST(test_bytes_that_came_in_time_are_read_before_judging),
        SESSION_TEST(test_time_that_the_broker_stood_still_does_not_count),
        SESSION_TEST(test_beginning_without_room_is_left_until_it_is_whole),
        SESSION_TEST(test_left_beginning_does_not_make_the_loop_spin),
        SESSION_TEST(test_left_beginning_that_ends_is_closed),
        SESSION_TEST(test_left_beginning_without_progress_is_timed_out),
        SESSION_TEST(test_left_beginning_that_came_in_time_is_not),
        SESSION_TEST(test_large_message_waits_for_room_to_begin),
        SESSION_TEST(test_name_without_its_message_leaves_no_channel),
        SESSION_TEST(test_message_too_long_for_new_bounds_is_not_waited_for),
        SESSION_TEST(test_who_begins_has_room_beside_those_who_stall),
        SESSION_TEST(test_draining_delivers_what_is_owed_then_closes),
        SESSION_TEST(test_stop_that_one_delays_does_not_look_at_the_others),
        SESSION_TEST(test_a_crowd_that_leaves_does_not_delay_who_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
