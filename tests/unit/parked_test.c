/* SPDX-License-Identifier: MIT
 *
 * What is parked is counted, let through in order, refused or dropped, and
 * never leaks, whichever allocation fails. The octets on the wire are tested
 * in tests/wire.
 */
#include "broker/session/units/parked.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "broker/session/session.h"
#include "broker/session/state.h"
#include "broker/session/units/units.h"
#include "tests/unit/session_rig.h"
#include "tests/unit/unit.h"

enum { LARGE = 5000, SMALL = 100, FAILURES = 60 };

/* The allocation of this number from now on fails. 0: none. */
static uint32_t failing;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool is_failing(void)
{
    return failing > 0 && --failing == 0;
}

void *__wrap_malloc(size_t n)
{
    return is_failing() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return is_failing() ? NULL : __real_calloc(n, size);
}

static size_t put_frame(char *at, const char *text, size_t n)
{
    const char head[4] = {0, 0, (char)(n >> 8), (char)n};
    memcpy(at, head, 4);
    memcpy(at + 4, text, n);
    return 4 + n;
}

static void say_unit(struct fixture *f, int fd, const char *head, size_t body)
{
    char octets[LARGE], unit[LARGE + 100];
    memset(octets, 'x', sizeof octets);
    size_t n = put_frame(unit, head, strlen(head));
    n += put_frame(unit + n, octets, body);
    (void)send(fd, unit, n, MSG_NOSIGNAL); /* it may have been closed */
    turns(f, 2);
}

/* The first client of version 2; a queue has no room for a LARGE one more. */
static void fill(struct fixture *f)
{
    say_bytes(f, f->a, STRING("\0\0\0\x9\0SLUICE/2\0\0\0\0"));
    say_unit(f, f->a, "PUB /queue/a", LARGE);
    say_unit(f, f->a, "PUB /queue/b", LARGE);
    (void)heard(f, f->a);
}

static struct units *units_of(struct fixture *f)
{
    struct list *first = f->house.clients.list.next;
    return LIST_OF(first, struct session, link)->units;
}

static uint32_t lines(const struct units *u)
{
    uint32_t n = 0;
    LIST_EACH (link, &u->parked)
        n++;
    return n;
}

static void test_each_channel_has_a_line_of_its_own(void **state)
{
    struct fixture *f = *state;
    fill(f);
    say_unit(f, f->a, "PUB /queue/a", LARGE);
    say_unit(f, f->a, "PUB /queue/b", LARGE);
    say_unit(f, f->a, "PUB /queue/%61", SMALL); /* another spelling of it */
    say_unit(f, f->a, "PUB /queue/c rid=1", SMALL);
    assert_int_equal(lines(units_of(f)), 2);
    assert_int_equal(units_of(f)->parked_count, 3);
    check_heard(f, f->a, "OK rid=1 seq=1 subs=0 held=1||");
}

static void test_bytes_are_counted_as_they_came(void **state)
{
    struct fixture *f = *state;
    fill(f);
    say_unit(f, f->a, "PUB /queue/a", LARGE);
    assert_int_equal(units_of(f)->parked_bytes, 4 + 12 + 4 + LARGE);
    assert_int_equal(count(f, COUNT_parked_bytes), 4 + 12 + 4 + LARGE);
    assert_int_equal(count(f, COUNT_parked_messages), 1);
}

static void test_nothing_is_left_when_all_was_let_through(void **state)
{
    struct fixture *f = *state;
    fill(f);
    say_unit(f, f->a, "PUB /queue/a rid=1", LARGE);
    say_unit(f, f->a, "PUB /queue/a rid=2", SMALL);
    say_frame(f, f->b, "/queue/a");
    turns(f, 8);
    (void)heard(f, f->b);
    turns(f, 8);
    (void)heard(f, f->b);
    turns(f, 8);
    assert_int_equal(count(f, COUNT_parked_bytes), 0);
    assert_null(units_of(f)); /* what is idle keeps nothing */
    assert_int_equal(count(f, COUNT_dropped_parked), 0);
    const char *got = heard(f, f->a);
    const char *first = strstr(got, "OK rid=1"),
               *second = strstr(got, "OK rid=2");
    assert_true(first && second && first < second);
}

static void test_too_much_holds_every_channel_and_the_session(void **state)
{
    struct fixture *f = *state;
    fill(f);
    say_unit(f, f->a, "PUB /queue/b", LARGE);
    for (int i = 0; i < 3; i++)
        say_unit(f, f->a, "PUB /queue/a", LARGE);
    assert_true(units_of(f)->is_held_back);
    check_heard(f, f->a, "HOLD /queue/b||HOLD /queue/a||");
    assert_int_equal(count(f, COUNT_paused_publishers), 1);
    assert_int_equal(count(f, COUNT_holds), 2);
    say_unit(f, f->a, "PING", 0);
    check_heard(f, f->a, "");
}

static void test_what_a_broken_connection_had_parked_is_counted(void **state)
{
    struct fixture *f = *state;
    fill(f);
    say_unit(f, f->a, "PUB /queue/a", LARGE);
    say_unit(f, f->a, "PUB /queue/b", LARGE);
    session_close(LIST_OF(f->house.clients.list.next, struct session, link),
                  REASON_RESET);
    turns(f, 1);
    assert_int_equal(count(f, COUNT_dropped_parked), 2);
    assert_int_equal(count(f, COUNT_parked_bytes), 0);
}

/* The house is closed after each, and must have given everything back. */
static void test_any_allocation_may_fail(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < FAILURES; n++) {
        void *own;
        assert_int_equal(session_rig_open(&own), 0);
        struct fixture *f = own;
        fill(f);
        failing = n;
        say_unit(f, f->a, "PUB /queue/a rid=1", LARGE);
        say_unit(f, f->a, "PUB /queue/b", LARGE);
        for (int i = 0; i < 3; i++)
            say_unit(f, f->a, "PUB /queue/a N=1", LARGE);
        failing = 0;
        (void)send(f->b, "\0\0\0\x8/queue/a", 12, MSG_NOSIGNAL);
        turns(f, 8);
        assert_int_equal(session_rig_close(&own), 0);
    }
}

#define PARKED_TEST(test)                                                      \
    cmocka_unit_test_setup_teardown(test, session_rig_open, session_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARKED_TEST(test_each_channel_has_a_line_of_its_own),
        PARKED_TEST(test_bytes_are_counted_as_they_came),
        PARKED_TEST(test_nothing_is_left_when_all_was_let_through),
        PARKED_TEST(test_too_much_holds_every_channel_and_the_session),
        PARKED_TEST(test_what_a_broken_connection_had_parked_is_counted),
        cmocka_unit_test(test_any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
