/* SPDX-License-Identifier: MIT
 *
 * A rate is kept whatever is asked for, and what it withheld is reported
 * once.
 */
#include "broker/base/throttle.h"

#include "tests/unit/unit.h"

static void test_no_more_than_the_rate(void **state)
{
    (void)state;
    struct throttle t = {.since = 5};
    struct throttle_rate rate = THROTTLE_PER_SECOND(100);
    assert_int_equal(throttle_pass(&t, 10, rate, 70), 70);
    assert_int_equal(throttle_pass(&t, 500, rate, 70), 30);
    assert_int_equal(throttle_pass(&t, 1004, rate, 1), 0);
    assert_int_equal(throttle_take_missed(&t), 41);
    assert_int_equal(throttle_take_missed(&t), 0);
}

static void test_every_second_is_new(void **state)
{
    (void)state;
    struct throttle t = {.since = 0};
    struct throttle_rate rate = THROTTLE_PER_SECOND(10);
    assert_int_equal(throttle_pass(&t, 0, rate, 20), 10);
    assert_int_equal(throttle_pass(&t, 1000, rate, 20), 10);
    assert_int_equal(throttle_pass(&t, 2500, rate, 5), 5);
    assert_int_equal(throttle_take_missed(&t), 20);
}

static void test_after_the_burst_one_per_period(void **state)
{
    (void)state;
    struct throttle t = {.since = 0};
    struct throttle_rate rate = {.burst = 3, .refill = 1, .period_ms = 500};
    assert_int_equal(throttle_pass(&t, 100, rate, 5), 3);
    assert_int_equal(throttle_pass(&t, 599, rate, 1), 0);
    assert_int_equal(throttle_pass(&t, 600, rate, 2), 1);
    assert_int_equal(throttle_pass(&t, 1099, rate, 1), 0);
    assert_int_equal(throttle_pass(&t, 1100, rate, 1), 1);
}

static void test_the_burst_comes_back_in_time(void **state)
{
    (void)state;
    struct throttle t = {.since = 0};
    struct throttle_rate rate = {.burst = 3, .refill = 1, .period_ms = 500};
    assert_int_equal(throttle_pass(&t, 0, rate, 3), 3);
    assert_int_equal(throttle_pass(&t, 1000, rate, 3), 2);
    assert_int_equal(throttle_pass(&t, 60000, rate, 9), 3);
}

static void test_what_was_of_no_use_is_missed(void **state)
{
    (void)state;
    struct throttle t = {.since = 0};
    assert_int_equal(throttle_pass(&t, 0, THROTTLE_PER_SECOND(10), 2), 2);
    throttle_miss(&t, 1);
    assert_int_equal(throttle_take_missed(&t), 1);
}

static void test_the_clock_may_wrap(void **state)
{
    (void)state;
    struct throttle t = {.since = UINT32_MAX - 10};
    struct throttle_rate rate = THROTTLE_PER_SECOND(10);
    assert_int_equal(throttle_pass(&t, UINT32_MAX, rate, 10), 10);
    assert_int_equal(throttle_pass(&t, 100, rate, 1), 0);
    assert_int_equal(throttle_pass(&t, 2000, rate, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_more_than_the_rate),
        cmocka_unit_test(test_every_second_is_new),
        cmocka_unit_test(test_after_the_burst_one_per_period),
        cmocka_unit_test(test_the_burst_comes_back_in_time),
        cmocka_unit_test(test_what_was_of_no_use_is_missed),
        cmocka_unit_test(test_the_clock_may_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
