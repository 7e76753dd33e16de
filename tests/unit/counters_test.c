/* SPDX-License-Identifier: MIT
 *
 * The table of counters can be shown to people and machines as it is.
 */
#include "broker/base/counters.h"

#include <string.h>

#include "tests/unit/unit.h"

static void test_every_row_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTER_TOTAL; i++) {
        const struct counter_row *row = &counter_rows[i];
        size_t n = strlen(row->name);
        assert_int_equal(
            strspn(row->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), n);
        assert_true(n > 0 && strlen(row->unit) > 0);
        assert_true(strlen(row->sentence) > strlen(row->unit));
    }
}

static void test_values_are_independent(void **state)
{
    (void)state;
    struct counters c = {{0}};
    counter_add(&c, COUNT_accepted, 5);
    counter_sub(&c, COUNT_accepted, 2);
    counter_set(&c, COUNT_channels, 9);
    for (size_t i = 0; i < COUNTER_TOTAL; i++)
        assert_int_equal(c.value[i], i == COUNT_accepted   ? 3
                                     : i == COUNT_channels ? 9
                                                           : 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_complete),
        cmocka_unit_test(test_values_are_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
