/* SPDX-License-Identifier: MIT
 *
 * How long something took lately: shares of a hundred, of the last minute or
 * so. A slow time is forgotten, a pause is not a reason to forget.
 */
#include "broker/base/recent.h"

#include "tests/unit/unit.h"

enum { FAST_US = 100, SLOW_US = 20000, FAST = 128, SLOW = 32768 };

static void add(struct recent *r, clock_ms now, int count, uint64_t us)
{
    for (int i = 0; i < count; i++)
        recent_add(r, now, us);
}

static void check(const struct recent *r, uint64_t p50, uint64_t p99)
{
    assert_int_equal(recent_within_us(r, 50), p50);
    assert_int_equal(recent_within_us(r, 99), p99);
}

static void test_it_tells_the_share(void **state)
{
    (void)state;
    struct recent r = {0};
    check(&r, 0, 0);
    add(&r, 5, 99, FAST_US);
    add(&r, 6, 1, SLOW_US);
    check(&r, FAST, FAST);
    add(&r, 7, 1, SLOW_US);
    check(&r, FAST, SLOW);
    add(&r, 8, 200, SLOW_US);
    check(&r, SLOW, SLOW);
}

static void test_a_slow_time_is_forgotten(void **state)
{
    (void)state;
    struct recent r = {0};
    clock_ms now = UINT32_MAX - 10; /* which wraps */
    add(&r, now, 100000, SLOW_US);
    now += RECENT_PERIOD_MS;
    add(&r, now, 10, FAST_US);
    check(&r, SLOW, SLOW);
    now += RECENT_PERIOD_MS;
    add(&r, now, 1, FAST_US);
    check(&r, FAST, FAST);
}

static void test_a_pause_does_not_forget_and_what_follows_does(void **state)
{
    (void)state;
    struct recent r = {0};
    add(&r, 0, 10, SLOW_US);
    check(&r, SLOW, SLOW);
    add(&r, 5 * RECENT_PERIOD_MS, 1, FAST_US);
    check(&r, FAST, FAST);
}

static void test_the_shortest_and_the_longest_count(void **state)
{
    (void)state;
    struct recent r = {0};
    add(&r, 0, 1, 0);
    check(&r, 1, 1);
    add(&r, 0, 1000, UINT64_MAX);
    check(&r, (uint64_t)1 << (RECENT_STEPS - 1),
          (uint64_t)1 << (RECENT_STEPS - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_tells_the_share),
        cmocka_unit_test(test_a_slow_time_is_forgotten),
        cmocka_unit_test(test_a_pause_does_not_forget_and_what_follows_does),
        cmocka_unit_test(test_the_shortest_and_the_longest_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
