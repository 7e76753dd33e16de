/* SPDX-License-Identifier: MIT
 *
 * Every byte that is charged is refunded, the allocator's overhead included,
 * and an allocation that failed is not charged.
 */
#include "broker/base/budget.h"

#include <string.h>

#include "tests/unit/unit.h"

/* More than any address space has. */
static volatile size_t too_much = SIZE_MAX - 65536;

static void test_counts_more_than_the_bytes_asked_for(void **state)
{
    (void)state;
    struct budget b = {.used_bytes = 0};
    void *p = budget_alloc(&b, 100);
    assert_non_null(p);
    assert_true(b.used_bytes > 100 && b.used_bytes <= 132);
    budget_free(&b, p, 100);
    assert_int_equal(b.used_bytes, 0);
}

static void test_zeroed_memory_is_zero(void **state)
{
    (void)state;
    struct budget b = {.used_bytes = 0};
    static const uint8_t zeros[64];
    void *p = budget_zalloc(&b, sizeof zeros);
    assert_memory_equal(p, zeros, sizeof zeros);
    budget_free(&b, p, sizeof zeros);
    assert_int_equal(b.used_bytes, 0);
}

static void test_resizing_charges_the_difference(void **state)
{
    (void)state;
    struct budget b = {.used_bytes = 0};
    char *p = budget_realloc(&b, NULL, 0, 10);
    uint64_t small = b.used_bytes;
    memcpy(p, "123456789", 10);
    p = budget_realloc(&b, p, 10, 1000);
    assert_string_equal(p, "123456789");
    assert_int_equal(b.used_bytes, small + 990);
    p = budget_realloc(&b, p, 1000, 20);
    assert_int_equal(b.used_bytes, small + 10);
    budget_free(&b, p, 20);
    assert_int_equal(b.used_bytes, 0);
}

static void test_what_cannot_be_had_costs_nothing(void **state)
{
    (void)state;
    struct budget b = {.used_bytes = 0};
    assert_null(budget_alloc(&b, too_much));
    assert_null(budget_zalloc(&b, too_much));
    assert_int_equal(b.used_bytes, 0);
    char *p = budget_alloc(&b, 4);
    uint64_t before = b.used_bytes;
    memcpy(p, "abc", 4);
    assert_null(budget_realloc(&b, p, 4, too_much));
    assert_int_equal(b.used_bytes, before);
    assert_string_equal(p, "abc");
    budget_free(&b, p, 4);
    assert_int_equal(b.used_bytes, 0);
}

static void test_remembers_the_peak(void **state)
{
    (void)state;
    struct budget b = {.used_bytes = 0};
    budget_charge(&b, 500);
    budget_refund(&b, 400);
    budget_charge(&b, 100);
    assert_int_equal(b.used_bytes, 200);
    assert_int_equal(b.peak_bytes, 500);
}

static void test_what_is_promised_is_room_no_more(void **state)
{
    (void)state;
    struct budget b = {.limit_bytes = 1000};
    budget_promise(&b, 600);
    assert_true(budget_has_room(&b, 400));
    assert_false(budget_has_room(&b, 401));
    budget_unpromise(&b, 600);
    assert_true(budget_has_room(&b, 1000));
    assert_int_equal(b.used_bytes, 0);
}

static void test_freeing_nothing_is_allowed(void **state)
{
    (void)state;
    struct budget b = {.used_bytes = 0};
    budget_free(&b, NULL, 1000);
    assert_int_equal(b.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_more_than_the_bytes_asked_for),
        cmocka_unit_test(test_zeroed_memory_is_zero),
        cmocka_unit_test(test_resizing_charges_the_difference),
        cmocka_unit_test(test_what_cannot_be_had_costs_nothing),
        cmocka_unit_test(test_remembers_the_peak),
        cmocka_unit_test(test_what_is_promised_is_room_no_more),
        cmocka_unit_test(test_freeing_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
