/* SPDX-License-Identifier: MIT
 *
 * Times are 32 bits and wrap after 49 days: only differences mean something.
 */
#include "broker/base/clock.h"

#include <time.h>

#include "tests/unit/unit.h"

static const struct {
    clock_ms now, since;
    uint32_t elapsed;
} rows[] = {
    {1000, 400, 600},
    {1000, 1000, 0},
    {5, UINT32_MAX - 4, 10},
    {UINT32_MAX, UINT32_MAX - 7, 7},
    {0x7fffffff, 0, 0x7fffffff},
};

static void test_elapsed_time_survives_the_wrap(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        assert_int_equal(clock_elapsed_ms(rows[i].now, rows[i].since),
                         rows[i].elapsed);
}

static struct timespec monotonic;

/* The clock of the system, as a test sets it. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    assert_int_equal(clock, CLOCK_MONOTONIC);
    *out = monotonic;
    return 0;
}

static const struct {
    struct timespec monotonic;
    clock_ms ms;
    uint64_t us;
} readings[] = {
    {{0, 0}, 0, 0},
    {{12, 345678901}, 12345, 12345678},
    {{12, 999999999}, 12999, 12999999},
    {{13, 0}, 13000, 13000000},
    {{4294967, 295999999}, UINT32_MAX, 4294967295999},
    {{4294967, 296000000}, 0, 4294967296000},
    {{400000000, 1000000}, 568041473, 400000000001000},
};

/* The time of day may be set back; this clock may not. */
static void test_it_is_the_monotonic_clock_cut_to_its_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(readings); i++) {
        monotonic = readings[i].monotonic;
        assert_int_equal(clock_now_ms(), readings[i].ms);
        assert_int_equal(clock_now_us(), readings[i].us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elapsed_time_survives_the_wrap),
        cmocka_unit_test(test_it_is_the_monotonic_clock_cut_to_its_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
