/* SPDX-License-Identifier: MIT
 *
 * Numbers are written as C writes them, and a number that is counted up stays
 * the text of the number.
 */
#include "proto/decimal.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/unit/unit.h"

static void check_text(const uint8_t *text, uint32_t count, uint64_t number)
{
    char want[DECIMAL_MAX + 1];
    assert_int_equal(count,
                     (uint32_t)snprintf(want, sizeof want, "%" PRIu64, number));
    assert_memory_equal(text, want, count);
}

static void test_every_length_of_a_number_is_written(void **state)
{
    (void)state;
    uint8_t text[DECIMAL_MAX];
    check_text(text, decimal_put(text, 0), 0);
    check_text(text, decimal_put(text, UINT64_MAX), UINT64_MAX);
    for (uint64_t n = 1; n < UINT64_MAX / 10; n *= 10) {
        check_text(text, decimal_put(text, n), n);
        check_text(text, decimal_put(text, n - 1), n - 1);
    }
}

static void
test_counting_up_says_when_the_number_is_a_digit_longer(void **state)
{
    (void)state;
    uint8_t text[DECIMAL_MAX];
    uint32_t count = decimal_put(text, 0);
    for (uint64_t n = 1; n <= 100100; n++) {
        bool fits = decimal_next(text, count);
        bool is_longer =
            n == 10 || n == 100 || n == 1000 || n == 10000 || n == 100000;
        assert_int_equal(fits, !is_longer);
        if (!fits)
            count = decimal_put(text, n);
        check_text(text, count, n);
    }
}

static void test_small_steps_are_added_in_place(void **state)
{
    (void)state;
    uint8_t text[DECIMAL_MAX];
    for (unsigned step = 0; step < 10; step++) {
        uint32_t count = decimal_put(text, 0);
        for (uint64_t n = step; n <= 1200; n += step + (step == 0 ? 100 : 0)) {
            uint64_t before = step == 0 ? n : n - step;
            count = decimal_put(text, before);
            bool is_longer = snprintf(NULL, 0, "%" PRIu64, n) > (int)count;
            assert_int_equal(decimal_add(text, count, step), !is_longer);
            if (!is_longer)
                check_text(text, count, n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_steps_are_added_in_place),
        cmocka_unit_test(test_every_length_of_a_number_is_written),
        cmocka_unit_test(
            test_counting_up_says_when_the_number_is_a_digit_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
