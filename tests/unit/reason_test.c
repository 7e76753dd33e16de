/* SPDX-License-Identifier: MIT
 *
 * Every way a session may end has its name, its level and its counter.
 */
#include "broker/session/reason.h"

#include <string.h>

#include "tests/unit/unit.h"

static void test_every_reason_is_a_complete_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < REASON_TOTAL; i++) {
        const struct reason_row *row = &reason_rows[i];
        size_t n = strlen(row->name);
        assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"), n);
        assert_true(n > 0 && strlen(row->sentence) > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(row->name, reason_rows[j].name);
    }
}

/* A peer's mistake is logged loudly; an everyday event is not. */
static void test_loud_reasons_are_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < REASON_TOTAL; i++) {
        /* What closes slow ones has counted them already. */
        if (reason_rows[i].level == LOG_WARNING && i != REASON_SLOW_CONSUMER &&
            i != REASON_OVERRUN)
            assert_true(reason_rows[i].is_counted);
    }
    assert_int_equal(reason_rows[REASON_EOF].level, LOG_DEBUG);
    assert_int_equal(reason_rows[REASON_RESET].level, LOG_DEBUG);
    assert_int_equal(reason_rows[REASON_GOODBYE].level, LOG_DEBUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_reason_is_a_complete_row),
        cmocka_unit_test(test_loud_reasons_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
