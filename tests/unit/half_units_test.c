/* SPDX-License-Identifier: MIT
 *
 * Units that have come in part, while the session rests, when there is no room
 * for them and when the client's side ends: what came whole is executed and
 * answered, a fragment is dropped, and nothing is lost in between.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "broker/session/units/hub.h"
#include "tests/unit/session_rig.h"
#include "tests/unit/unit.h"

enum { SOME_WORK = 1000, BODY = 3840, HALF = 3000 };

#define OPENING  "\0\0\0\x9\0SLUICE/2\0\0\0\0"
#define SUB_ALL  "\0\0\0\x0dSUB /** rid=1\0\0\0\0"
#define PUB_X    "\0\0\0\x0cPUB /a rid=2\0\0\0\1x"
#define PING     "\0\0\0\6PING p\0\0\0\0"
#define FRAGMENT "\0\0\0\x0cPUB /a rid=3\0\0\0\2y"

static struct errands *errands_of(struct fixture *f)
{
    return &f->house.clients.hub->errands;
}

static void check_answers(struct fixture *f, int fd)
{
    static const char *const answers[] = {
        "INFO ",     "|OK rid=1||", "|OK rid=2 seq=", " subs=1 drop=0||",
        " new=1|x|", "PONG p||",

    };
    const char *got = heard(f, fd);
    for (size_t i = 0; i < UNIT_COUNT(answers); i++)
        if (!strstr(got, answers[i]))
            fail_msg("no '%s' in '%s'", answers[i], got);
    assert_null(strstr(got, "rid=3"));
    size_t n = strlen(got);
    assert_true(n > 6);
    assert_string_equal(got + n - 6, "|BYE||$" + 1);
}

/* All octets come in two pieces; then the client's side ends. While the first
 * unit is under way the session rests, if it has to do that at all. */
static void play(struct fixture *f, size_t cut, int32_t work)
{
    static const char script[] = OPENING SUB_ALL PUB_X PING FRAGMENT;
    int fd = house_connect(&f->house);
    errands_of(f)->turn_work = work;
    turns(f, 1);
    if (cut > 0)
        say_bytes(f, fd, script, cut);
    say_bytes(f, fd, script + cut, sizeof script - 1 - cut);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    turns(f, 3);
    errands_of(f)->turn_work = SOME_WORK;
    turns(f, 6);
    check_answers(f, fd);
    hang_up(&fd);
    turns(f, 3);
}

static void test_a_fragment_is_dropped_wherever_it_is_cut(void **state)
{
    struct fixture *f = *state;
    for (size_t cut = 0; cut < sizeof OPENING SUB_ALL PUB_X PING FRAGMENT - 1;
         cut++) {
        play(f, cut, SOME_WORK);
        play(f, cut, 0);
    }
    turns(f, 2);
    assert_int_equal(count(f, COUNT_subscribers), 0);
}

/* The session rests with whole units behind it; more of them come, and the
 * broker stops. */
static void test_what_came_before_a_stop_is_answered(void **state)
{
    struct fixture *f = *state;
    say_bytes(f, f->a, STRING(OPENING));
    (void)heard(f, f->a);
    errands_of(f)->turn_work = 0;
    turns(f, 1);
    say_bytes(f, f->a, STRING(SUB_ALL PING));
    check_heard(f, f->a, "");
    core_stop(&f->house.core);
    clients_drain(&f->house.clients);
    assert_false(clients_are_drained(&f->house.clients));
    errands_of(f)->turn_work = SOME_WORK;
    turns(f, 4);
    const char *got = heard(f, f->a);
    if (!strstr(got, "|OK rid=1||PONG p||"))
        fail_msg("'%s'", got);
    clients_finish(&f->house.clients);
    turns(f, 4);
    check_heard(f, f->a, "BYE||$");
}

/* `f->a` begins a unit that there is no room for, because `f->b` has begun
 * one. */
static void leave_beginning(struct fixture *f)
{
    static const char start[] = "\0\0\0\x0cPUB /a rid=2\0\0\x0f";
    static const char body[HALF];
    say_bytes(f, f->a, STRING(OPENING));
    (void)heard(f, f->a);
    say_bytes(f, f->b, STRING("\0\0"));
    f->house.budget.limit_bytes = 4 * HALF;
    say_bytes(f, f->a, start, sizeof start); /* its length is 0xf00 */
    say_bytes(f, f->a, body, sizeof body);
}

static void test_a_unit_left_in_the_kernel_that_ends_is_dropped(void **state)
{
    struct fixture *f = *state;
    leave_beginning(f);
    assert_int_equal(count(f, COUNT_beginnings_left), 1);
    assert_int_equal(shutdown(f->a, SHUT_WR), 0);
    turns(f, 4);
    check_heard(f, f->a, "BYE||$");
    assert_int_equal(count(f, COUNT_messages_in), 0);
}

/* Its rest, more units and the end come at once. */
static void
test_a_unit_left_in_the_kernel_is_taken_when_it_is_whole(void **state)
{
    struct fixture *f = *state;
    char rest[BODY - HALF + sizeof PING - 1] = {0};
    leave_beginning(f);
    memcpy(rest + BODY - HALF, PING, sizeof PING - 1);
    assert_int_equal(send(f->a, rest, sizeof rest, 0), sizeof rest);
    assert_int_equal(shutdown(f->a, SHUT_WR), 0);
    turns(f, 6);
    check_heard(f, f->a, "OK rid=2 seq=0 subs=0 drop=0||PONG p||BYE||$");
    assert_int_equal(count(f, COUNT_messages_in), 1);
}

#define HALF_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, session_rig_open, session_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HALF_TEST(test_a_fragment_is_dropped_wherever_it_is_cut),
        HALF_TEST(test_what_came_before_a_stop_is_answered),
        HALF_TEST(test_a_unit_left_in_the_kernel_that_ends_is_dropped),
        HALF_TEST(test_a_unit_left_in_the_kernel_is_taken_when_it_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
