/* SPDX-License-Identifier: MIT
 *
 * So many per second, and what did not pass is told once.
 */
#include "broker/monitor/throttle.h"

#include "tests/unit/unit.h"

static void test_no_more_than_the_rate(void **state)
{
    (void)state;
    struct throttle t = {.since = 5};
    assert_int_equal(throttle_pass(&t, 10, 100, 70), 70);
    assert_int_equal(throttle_pass(&t, 500, 100, 70), 30);
    assert_int_equal(throttle_pass(&t, 1004, 100, 1), 0);
    assert_int_equal(throttle_tell(&t), 41);
    assert_int_equal(throttle_tell(&t), 0);
}

static void test_every_second_is_new(void **state)
{
    (void)state;
    struct throttle t = {.since = 0};
    assert_int_equal(throttle_pass(&t, 0, 10, 20), 10);
    assert_int_equal(throttle_pass(&t, 1000, 10, 20), 10);
    assert_int_equal(throttle_pass(&t, 2500, 10, 5), 5);
    assert_int_equal(throttle_tell(&t), 20);
}

static void test_the_clock_may_wrap(void **state)
{
    (void)state;
    struct throttle t = {.since = UINT32_MAX - 10};
    assert_int_equal(throttle_pass(&t, UINT32_MAX, 10, 10), 10);
    assert_int_equal(throttle_pass(&t, 100, 10, 1), 0);
    assert_int_equal(throttle_pass(&t, 2000, 10, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_more_than_the_rate),
        cmocka_unit_test(test_every_second_is_new),
        cmocka_unit_test(test_the_clock_may_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
