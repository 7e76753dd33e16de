/* SPDX-License-Identifier: MIT
 *
 * What is recent is what has been added since the last round.
 */
#include "broker/monitor/marks.h"

#include "tests/unit/unit.h"

enum { MANY = 10000 };

static void test_growth_from_round_to_round(void **state)
{
    (void)state;
    struct marks m = {.last = {.rows = NULL}};
    marks_begin(&m);
    assert_int_equal(marks_note(&m, 7, 100), 100);
    assert_int_equal(marks_since(&m, 7, 130), 30);
    marks_begin(&m);
    assert_int_equal(marks_note(&m, 7, 150), 50);
    marks_begin(&m);
    assert_int_equal(marks_note(&m, 7, 150), 0);
    marks_fini(&m);
}

static void test_whoever_is_not_seen_is_forgotten(void **state)
{
    (void)state;
    struct marks m = {.last = {.rows = NULL}};
    marks_begin(&m);
    marks_note(&m, 7, 100);
    marks_begin(&m);
    marks_note(&m, 8, 5);
    marks_begin(&m);
    assert_int_equal(marks_note(&m, 7, 110), 110);
    marks_fini(&m);
}

/* Another one may have got the place, and so the key, of one that has gone. */
static void test_what_has_become_less_has_begun_anew(void **state)
{
    (void)state;
    struct marks m = {.last = {.rows = NULL}};
    marks_begin(&m);
    marks_note(&m, 7, 100);
    marks_begin(&m);
    assert_int_equal(marks_note(&m, 7, 3), 3);
    marks_fini(&m);
}

static void test_nothing_was_noted_yet(void **state)
{
    (void)state;
    struct marks m = {.last = {.rows = NULL}};
    assert_int_equal(marks_since(&m, 7, 42), 42);
    marks_fini(&m);
}

static void test_many(void **state)
{
    (void)state;
    struct marks m = {.last = {.rows = NULL}};
    for (uint64_t round = 1; round <= 3; round++) {
        marks_begin(&m);
        for (uint64_t key = 1; key <= MANY; key++)
            assert_int_equal(marks_note(&m, key * 4096, round * key), key);
    }
    for (uint64_t key = 1; key <= MANY; key++)
        assert_int_equal(marks_since(&m, key * 4096, 3 * key), 0);
    marks_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth_from_round_to_round),
        cmocka_unit_test(test_whoever_is_not_seen_is_forgotten),
        cmocka_unit_test(test_what_has_become_less_has_begun_anew),
        cmocka_unit_test(test_nothing_was_noted_yet),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
