/* SPDX-License-Identifier: MIT
 *
 * Each wait ends once, in time and in order; a wait for memory may last as
 * long as it takes.
 */
#include "broker/session/waits.h"

#include <string.h>

#include "tests/unit/unit.h"

enum { WAITERS = 2 * WAITS_AT_ONCE, START_MS = 1000 };

struct fixture {
    struct waits waits;
    struct waiting waiters[WAITERS];
    char story[32]; /* a digit for each wait that was over, and looks */
};

static struct fixture f;

static void tell(char what)
{
    f.story[strlen(f.story)] = what;
}

static void on_expire(struct waiting *w)
{
    tell((char)('0' + (w - f.waiters)));
    waits_end(w);
}

static void on_expire_again(struct waiting *w)
{
    tell((char)('0' + w->times));
    waits_begin(&f.waits, w, WAIT_SIP, w->since + 10);
}

static void on_look(void *arg)
{
    assert_ptr_equal(arg, &f);
    tell('l');
}

static const struct wait_row rows[WAIT_TOTAL] = {
    [WAIT_HELLO] = {.expire = on_expire},
    [WAIT_FRAME] = {.expire = on_expire},
    [WAIT_SIP] = {.expire = on_expire_again},
    [WAIT_MEMORY] = {.look = on_look, .look_ms = 50},
};

static int open_waits(void **state)
{
    (void)state;
    f = (struct fixture){.story = ""};
    waits_init(&f.waits, rows, &f);
    f.waits.limit_ms[WAIT_HELLO] = 100;
    f.waits.limit_ms[WAIT_FRAME] = 200;
    f.waits.limit_ms[WAIT_SIP] = 10;
    for (size_t i = 0; i < WAITERS; i++)
        waiting_init(&f.waiters[i]);
    return 0;
}

static void begin(size_t i, enum wait_kind wait, clock_ms now)
{
    waits_begin(&f.waits, &f.waiters[i], wait, START_MS + now);
}

static void check_next(clock_ms now, uint32_t expected)
{
    assert_int_equal(waits_next_ms(&f.waits, START_MS + now), expected);
}

static void check_fire(clock_ms now, const char *story)
{
    memset(f.story, 0, sizeof f.story);
    waits_fire(&f.waits, START_MS + now);
    assert_string_equal(f.story, story);
}

static void test_waits_of_a_kind_end_in_their_order(void **state)
{
    (void)state;
    check_next(0, WAITS_FOREVER_MS);
    begin(2, WAIT_HELLO, 0);
    begin(0, WAIT_HELLO, 30);
    begin(1, WAIT_FRAME, 0);
    check_next(0, 100);
    check_fire(99, "");
    check_fire(100, "2");
    check_next(100, 30);
    check_fire(250, "01");
    check_fire(1000, "");
    check_next(1000, WAITS_FOREVER_MS);
}

static void test_one_waits_for_one_thing_at_a_time(void **state)
{
    (void)state;
    begin(0, WAIT_HELLO, 0);
    begin(0, WAIT_FRAME, 50);
    assert_null(waits_first(&f.waits, WAIT_HELLO));
    check_fire(200, "");
    waits_end(&f.waiters[0]);
    waits_end(&f.waiters[0]);
    check_fire(1000, "");
}

static void test_a_wait_that_goes_on_is_counted(void **state)
{
    (void)state;
    begin(0, WAIT_SIP, 0);
    check_fire(35, "123");
    waits_end(&f.waiters[0]);
    begin(0, WAIT_SIP, 100);
    check_fire(110, "1");
}

/* It is looked at while it waits, and only then. */
static void test_a_wait_without_end_does_not_end(void **state)
{
    (void)state;
    check_fire(0, "");
    begin(0, WAIT_MEMORY, 0);
    begin(1, WAIT_MEMORY, 1);
    check_next(0, 50);
    check_next(100000, 50);
    check_fire(100000, "l");
    assert_ptr_equal(waits_first(&f.waits, WAIT_MEMORY), &f.waiters[0]);
}

/* Each connection that ends costs time, and others have work. */
static void test_many_that_end_together_end_a_few_at_a_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAITS_AT_ONCE + 1; i++)
        begin(i, WAIT_HELLO, 0);
    begin(WAITS_AT_ONCE + 1, WAIT_MEMORY, 0);
    check_fire(100, "0123"); /* a look at all that wait comes later */
    check_next(100, 0);
    check_fire(100, "4l");
    check_next(100, 50);
}

/* The clock wraps. */
static void test_a_wait_may_cross_the_end_of_the_clock(void **state)
{
    (void)state;
    waits_begin(&f.waits, &f.waiters[0], WAIT_HELLO, UINT32_MAX - 10);
    assert_int_equal(waits_next_ms(&f.waits, 9), 80);
    waits_fire(&f.waits, 88);
    assert_string_equal(f.story, "");
    waits_fire(&f.waits, 89);
    assert_string_equal(f.story, "0");
}

static void test_waits_that_are_spared_end_later_in_their_order(void **state)
{
    (void)state;
    begin(2, WAIT_HELLO, 0);
    begin(0, WAIT_HELLO, 30);
    begin(1, WAIT_HELLO, 960);
    begin(3, WAIT_SIP, 960); /* shorter than what is spared */
    waits_spare(&f.waits, 50, START_MS + 1000);
    check_next(1000, 10);
    check_fire(1009, "");
    waits_end(&f.waiters[3]);
    check_fire(1049, "");
    check_fire(1050, "20");
    check_fire(1060, "1");
}

#define WAITS_TEST(test) cmocka_unit_test_setup(test, open_waits)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WAITS_TEST(test_waits_of_a_kind_end_in_their_order),
        WAITS_TEST(test_one_waits_for_one_thing_at_a_time),
        WAITS_TEST(test_a_wait_that_goes_on_is_counted),
        WAITS_TEST(test_a_wait_without_end_does_not_end),
        WAITS_TEST(test_many_that_end_together_end_a_few_at_a_time),
        WAITS_TEST(test_a_wait_may_cross_the_end_of_the_clock),
        WAITS_TEST(test_waits_that_are_spared_end_later_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
