/* SPDX-License-Identifier: MIT
 *
 * Percentiles are never below the truth and at most HISTOGRAM_ERROR above it.
 */
#include "client/bench/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct histogram *new_histogram(void)
{
    struct histogram *h = calloc(1, sizeof *h);
    assert_non_null(h);
    return h;
}

static void test_an_empty_one_says_zero(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    assert_int_equal(histogram_percentile(h, 50), 0);
    assert_int_equal(histogram_percentile(h, 100), 0);
    free(h);
}

static void test_small_values_are_exact(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    for (uint64_t value = 1; value <= 200; value++)
        histogram_add(h, value);
    for (int percent = 1; percent <= 100; percent++)
        assert_int_equal(histogram_percentile(h, percent), 2 * percent);
    free(h);
}

static void test_any_value_is_within_the_error(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    for (uint64_t value = 1; value >> HISTOGRAM_MAX_BITS == 0;
         value += value / 37 + 1) {
        *h = (struct histogram){0};
        histogram_add(h, value);
        histogram_add(h, UINT64_C(1) << HISTOGRAM_MAX_BITS);
        uint64_t told = histogram_percentile(h, 50);
        assert_true(told >= value);
        assert_true((double)(told - value) <= (double)value * HISTOGRAM_ERROR);
    }
    free(h);
}

static void test_buckets_keep_the_order_of_values(void **state)
{
    (void)state;
    uint32_t before = 0;
    for (uint64_t value = 1; value >> HISTOGRAM_MAX_BITS == 0;
         value += value / 300 + 1) {
        uint32_t bucket = histogram_bucket(value);
        assert_true(bucket >= before && bucket < HISTOGRAM_BUCKETS);
        before = bucket;
    }
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void test_a_rare_stall_shows_in_the_tail_only(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    for (int i = 0; i < 9999; i++)
        histogram_add(h, 100);
    histogram_add(h, 1000000);
    assert_int_equal(histogram_percentile(h, 50), 100);
    assert_int_equal(histogram_percentile(h, 99.99), 100);
    assert_int_equal(histogram_percentile(h, 99.995), 1000000);
    assert_int_equal(histogram_percentile(h, 100), 1000000);
    free(h);
}

static void test_the_greatest_value_is_exact(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    histogram_add(h, 5);
    histogram_add(h, UINT64_MAX - 3);
    assert_true(histogram_percentile(h, 100) == UINT64_MAX - 3);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_one_says_zero),
        cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_any_value_is_within_the_error),
        cmocka_unit_test(test_buckets_keep_the_order_of_values),
        cmocka_unit_test(test_a_rare_stall_shows_in_the_tail_only),
        cmocka_unit_test(test_the_greatest_value_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
