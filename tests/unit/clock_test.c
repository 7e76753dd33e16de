/* SPDX-License-Identifier: MIT
 *
 * Times are 32 bits and wrap after 49 days: only differences mean something.
 */
#include "broker/base/clock.h"

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

static void test_never_goes_back(void **state)
{
    (void)state;
    clock_ms before = clock_now_ms();
    for (int i = 0; i < 1000; i++) {
        clock_ms now = clock_now_ms();
        assert_in_range(clock_elapsed_ms(now, before), 0, INT32_MAX);
        before = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elapsed_time_survives_the_wrap),
        cmocka_unit_test(test_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
