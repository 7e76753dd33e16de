/* SPDX-License-Identifier: MIT
 *
 * A second coming is noticed, in whatever order the first ones came.
 */
#include "client/bench/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_in_order_needs_no_memory(void **state)
{
    (void)state;
    struct ledger l = {0};
    for (uint64_t number = 0; number < 1000; number++)
        assert_int_equal(ledger_enter(&l, number), LEDGER_NEW);
    assert_null(l.bits);
    assert_int_equal(ledger_enter(&l, 999), LEDGER_AGAIN);
    assert_int_equal(ledger_enter(&l, 0), LEDGER_AGAIN);
    assert_int_equal(ledger_enter(&l, 1000), LEDGER_NEW);
    ledger_fini(&l);
}

static void test_backwards(void **state)
{
    (void)state;
    struct ledger l = {0};
    for (uint64_t number = 1000; number-- > 0;)
        assert_int_equal(ledger_enter(&l, number), LEDGER_NEW);
    for (uint64_t number = 0; number < 1000; number++)
        assert_int_equal(ledger_enter(&l, number), LEDGER_AGAIN);
    assert_int_equal(l.base, 1000);
    assert_int_equal(l.ahead, 0);
    ledger_fini(&l);
}

static void test_behind_a_hole_and_into_it(void **state)
{
    (void)state;
    struct ledger l = {0};
    assert_int_equal(ledger_enter(&l, 0), LEDGER_NEW);
    for (uint64_t number = 2; number < 5000; number++)
        assert_int_equal(ledger_enter(&l, number), LEDGER_NEW);
    assert_int_equal(l.base, 1);
    assert_int_equal(ledger_enter(&l, 777), LEDGER_AGAIN);
    assert_int_equal(ledger_enter(&l, 1), LEDGER_NEW);
    assert_int_equal(l.base, 5000);
    assert_int_equal(ledger_enter(&l, 1), LEDGER_AGAIN);
    ledger_fini(&l);
}

static void test_an_old_hole_is_given_up(void **state)
{
    (void)state;
    struct ledger l = {0};
    for (uint64_t number = 1; number <= LEDGER_SPAN + 9; number++)
        assert_int_equal(ledger_enter(&l, number), LEDGER_NEW);
    assert_int_equal(l.base, LEDGER_SPAN + 10);
    assert_int_equal(ledger_enter(&l, LEDGER_SPAN + 9), LEDGER_AGAIN);
    assert_int_equal(ledger_enter(&l, LEDGER_SPAN + 10), LEDGER_NEW);
    ledger_fini(&l);
}

static void test_a_leap_across_everything(void **state)
{
    (void)state;
    const uint64_t far = UINT64_C(1) << 40;
    struct ledger l = {0};
    assert_int_equal(ledger_enter(&l, 5), LEDGER_NEW);
    assert_int_equal(ledger_enter(&l, far), LEDGER_NEW);
    assert_int_equal(ledger_enter(&l, far), LEDGER_AGAIN);
    assert_int_equal(ledger_enter(&l, far - 1), LEDGER_NEW);
    assert_int_equal(ledger_enter(&l, far + 1), LEDGER_NEW);
    assert_int_equal(ledger_enter(&l, far - 1), LEDGER_AGAIN);
    assert_int_equal(l.ahead, 3);
    ledger_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_needs_no_memory),
        cmocka_unit_test(test_backwards),
        cmocka_unit_test(test_behind_a_hole_and_into_it),
        cmocka_unit_test(test_an_old_hole_is_given_up),
        cmocka_unit_test(test_a_leap_across_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
