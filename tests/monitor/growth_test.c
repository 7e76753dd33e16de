/* SPDX-License-Identifier: MIT
 *
 * Growth is what has been added since the last round.
 */
#include "broker/monitor/growth.h"

#include "tests/unit/unit.h"

enum { MANY = 10000 };

static void test_growth_from_round_to_round(void **state)
{
    (void)state;
    struct growth g = {.last = {.rows = NULL}};
    growth_begin(&g);
    assert_int_equal(growth_note(&g, 7, 100), 100);
    assert_int_equal(growth_since(&g, 7, 130), 30);
    growth_begin(&g);
    assert_int_equal(growth_note(&g, 7, 150), 50);
    growth_begin(&g);
    assert_int_equal(growth_note(&g, 7, 150), 0);
    growth_fini(&g);
}

static void test_a_key_that_is_not_noted_is_forgotten(void **state)
{
    (void)state;
    struct growth g = {.last = {.rows = NULL}};
    growth_begin(&g);
    growth_note(&g, 7, 100);
    growth_begin(&g);
    growth_note(&g, 8, 5);
    growth_begin(&g);
    assert_int_equal(growth_note(&g, 7, 110), 110);
    growth_fini(&g);
}

/* The key is an address, which another object may have by now. */
static void test_a_smaller_count_belongs_to_a_new_owner(void **state)
{
    (void)state;
    struct growth g = {.last = {.rows = NULL}};
    growth_begin(&g);
    growth_note(&g, 7, 100);
    growth_begin(&g);
    assert_int_equal(growth_note(&g, 7, 3), 3);
    growth_fini(&g);
}

static void test_nothing_was_noted_yet(void **state)
{
    (void)state;
    struct growth g = {.last = {.rows = NULL}};
    assert_int_equal(growth_since(&g, 7, 42), 42);
    growth_fini(&g);
}

static void test_many(void **state)
{
    (void)state;
    struct growth g = {.last = {.rows = NULL}};
    for (uint64_t round = 1; round <= 3; round++) {
        growth_begin(&g);
        for (uint64_t key = 1; key <= MANY; key++)
            assert_int_equal(growth_note(&g, key * 4096, round * key), key);
    }
    for (uint64_t key = 1; key <= MANY; key++)
        assert_int_equal(growth_since(&g, key * 4096, 3 * key), 0);
    growth_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth_from_round_to_round),
        cmocka_unit_test(test_a_key_that_is_not_noted_is_forgotten),
        cmocka_unit_test(test_a_smaller_count_belongs_to_a_new_owner),
        cmocka_unit_test(test_nothing_was_noted_yet),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
