/* SPDX-License-Identifier: MIT
 *
 * Overuse is resident memory that neither the budget nor its limit explains.
 */
#include "broker/monitor/overuse.h"

#include "broker/base/budget.h"
#include "tests/unit/unit.h"

enum { MIB = 1 << 20, BASE = 8 * MIB };

static void test_memory_that_the_budget_explains_is_no_overuse(void **state)
{
    (void)state;
    struct budget b = {.limit_bytes = 64 * MIB, .used_bytes = 60 * MIB};
    struct overuse o;
    overuse_init(&o, &b, BASE, 0);
    assert_false(overuse_is(&o, BASE + 76 * MIB));
    assert_true(overuse_is(&o, BASE + 76 * MIB + 1));
}

static void test_memory_below_the_limit_is_no_overuse(void **state)
{
    (void)state;
    struct budget b = {.limit_bytes = 64 * MIB};
    struct overuse o;
    overuse_init(&o, &b, BASE, 0);
    assert_false(overuse_is(&o, 80 * MIB));
    assert_true(overuse_is(&o, 80 * MIB + 1));
}

static void test_without_a_limit_there_is_no_overuse(void **state)
{
    (void)state;
    struct budget b = {.limit_bytes = 0};
    struct overuse o;
    overuse_init(&o, &b, BASE, 0);
    assert_false(overuse_is(&o, UINT64_MAX));
}

static void test_pauses_grow_up_to_a_bound(void **state)
{
    (void)state;
    struct budget b = {.limit_bytes = 64 * MIB};
    struct overuse o;
    clock_ms now = 0;
    overuse_init(&o, &b, BASE, now);
    assert_false(overuse_may_open(&o, now));
    for (uint32_t pause = OVERUSE_PAUSE_MS; pause < OVERUSE_PAUSE_MAX_MS;
         pause *= 2) {
        assert_int_equal(overuse_close(&o, now), pause);
        assert_false(overuse_may_open(&o, now + pause - 1));
        now += pause;
        assert_true(overuse_may_open(&o, now));
        overuse_open(&o, now);
        assert_false(overuse_may_open(&o, now));
    }
    assert_int_equal(overuse_close(&o, now), OVERUSE_PAUSE_MAX_MS);
    assert_int_equal(overuse_close(&o, now), OVERUSE_PAUSE_MAX_MS);
}

static void test_after_a_calm_time_the_pause_is_short_again(void **state)
{
    (void)state;
    struct budget b = {.limit_bytes = 64 * MIB};
    struct overuse o;
    overuse_init(&o, &b, BASE, 0);
    overuse_close(&o, 0);
    overuse_open(&o, OVERUSE_PAUSE_MS);
    assert_int_equal(overuse_close(&o, OVERUSE_PAUSE_MS + OVERUSE_CALM_MS - 1),
                     2 * OVERUSE_PAUSE_MS);
    overuse_open(&o, 0);
    assert_int_equal(overuse_close(&o, OVERUSE_CALM_MS), OVERUSE_PAUSE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_that_the_budget_explains_is_no_overuse),
        cmocka_unit_test(test_memory_below_the_limit_is_no_overuse),
        cmocka_unit_test(test_without_a_limit_there_is_no_overuse),
        cmocka_unit_test(test_pauses_grow_up_to_a_bound),
        cmocka_unit_test(test_after_a_calm_time_the_pause_is_short_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
