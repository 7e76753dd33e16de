/* SPDX-License-Identifier: MIT
 *
 * past: half an hour, second by second, and not a byte more.
 */
#include "client/monitor/past.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { START = 1700000000 };

static struct past past;

static int set_up(void **state)
{
    (void)state;
    past_init(&past);
    return 0;
}

static void put(int64_t ms, double in)
{
    struct series_sample sample = {.value = {[SERIES_IN] = in}};
    past_put(&past, ms, &sample);
}

static float get(int64_t second)
{
    return past_get(&past, SERIES_IN, second);
}

static void test_the_last_sample_of_a_second_stays(void **state)
{
    (void)state;
    put(START * 1000LL, 1);
    put(START * 1000LL + 900, 2);
    put(START * 1000LL + 1000, 3);
    assert_float_equal(get(START), 2, 0);
    assert_float_equal(get(START + 1), 3, 0);
}

static void test_seconds_without_a_sample_have_no_value(void **state)
{
    (void)state;
    put(START * 1000LL, 1);
    put((START + 5) * 1000LL, 2);
    assert_float_equal(get(START), 1, 0);
    for (int i = 1; i < 5; i++)
        assert_true(isnan(get(START + i)));
    assert_float_equal(get(START + 5), 2, 0);
}

static void test_it_forgets_what_is_older_than_half_an_hour(void **state)
{
    (void)state;
    for (int64_t s = START; s < START + 3 * PAST_SLOTS; s++)
        put(s * 1000, (double)(s - START));
    assert_int_equal(past_oldest(&past), START + 2 * PAST_SLOTS);
    for (int64_t s = past_oldest(&past); s <= past.newest; s++)
        assert_float_equal(get(s), (float)(s - START), 0);
}

static void test_after_a_long_silence_nothing_old_is_left(void **state)
{
    (void)state;
    for (int64_t s = START; s < START + PAST_SLOTS; s++)
        put(s * 1000, 7);
    put((START + 10LL * PAST_SLOTS) * 1000, 8);
    for (int64_t s = past_oldest(&past); s < past.newest; s++)
        assert_true(isnan(get(s)));
    assert_float_equal(get(past.newest), 8, 0);
}

static void test_a_clock_that_is_set_back_loses_nothing(void **state)
{
    (void)state;
    put(START * 1000LL, 1);
    put((START + 1) * 1000LL, 2);
    put((START - 3600) * 1000LL, 3);
    assert_int_equal(past.newest, START + 1);
    assert_float_equal(get(START), 1, 0);
    assert_float_equal(get(START + 1), 3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_last_sample_of_a_second_stays, set_up),
        cmocka_unit_test_setup(test_seconds_without_a_sample_have_no_value,
                               set_up),
        cmocka_unit_test_setup(test_it_forgets_what_is_older_than_half_an_hour,
                               set_up),
        cmocka_unit_test_setup(test_after_a_long_silence_nothing_old_is_left,
                               set_up),
        cmocka_unit_test_setup(test_a_clock_that_is_set_back_loses_nothing,
                               set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
