/* SPDX-License-Identifier: MIT
 *
 * Among many, the fullest and the busiest are listed, and the others summed.
 */
#include "broker/monitor/ranking.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

enum { MANY = 1000 };

static struct ranking ranking;
static struct view listed[RANKING_ROWS], rest;
static const uint8_t names[MANY];

static struct view view_of(size_t i, uint64_t bytes, uint64_t recent)
{
    return (struct view){
        .name = &names[i],
        .number = {[VIEW_BYTES] = bytes, [VIEW_RECENT] = recent, [VIEW_IN] = 1},
    };
}

static void add(size_t i, uint64_t bytes, uint64_t recent)
{
    struct view v = view_of(i, bytes, recent);
    ranking_add(&ranking, &v);
}

static void test_few_are_all_listed(void **state)
{
    (void)state;
    ranking_init(&ranking, VIEW_RECENT);
    for (size_t i = 0; i < RANKING_ROWS; i++)
        add(i, i % 2, 0);
    assert_int_equal(ranking_finish(&ranking, listed, &rest), RANKING_ROWS);
    assert_int_equal(ranking.total, RANKING_ROWS);
    for (size_t k = 0; k < VIEW_NUMBERS; k++)
        assert_int_equal(rest.number[k], 0);
}

static void test_nobody_is_listed_when_there_is_nobody(void **state)
{
    (void)state;
    ranking_init(&ranking, VIEW_RECENT);
    assert_int_equal(ranking_finish(&ranking, listed, &rest), 0);
    assert_int_equal(rest.number[VIEW_IN], 0);
}

/* Three full ones among a thousand, and the highest activity elsewhere. */
static void test_fullest_first_then_busiest(void **state)
{
    (void)state;
    ranking_init(&ranking, VIEW_RECENT);
    for (size_t i = 0; i < MANY; i++)
        add(i, i == 5 ? 10 : i == 700 ? 30 : i == 999 ? 20 : 0, i);
    assert_int_equal(ranking_finish(&ranking, listed, &rest), RANKING_ROWS);
    assert_ptr_equal(listed[0].name, &names[700]);
    assert_ptr_equal(listed[1].name, &names[999]);
    assert_ptr_equal(listed[2].name, &names[5]);
    assert_ptr_equal(listed[3].name, &names[998]);
    assert_ptr_equal(listed[RANKING_ROWS - 1].name, &names[902]);
    assert_int_equal(rest.number[VIEW_IN], MANY - RANKING_ROWS);
    assert_int_equal(rest.number[VIEW_BYTES], 0);
}

/* When all are full, the busiest still have half of the room. */
static void test_the_full_leave_room_for_the_busy(void **state)
{
    (void)state;
    ranking_init(&ranking, VIEW_RECENT);
    for (size_t i = 0; i < MANY; i++)
        add(i, MANY + i, MANY - i);
    assert_int_equal(ranking_finish(&ranking, listed, &rest), RANKING_ROWS);
    assert_ptr_equal(listed[0].name, &names[MANY - 1]);
    assert_ptr_equal(listed[RANKING_FULLEST].name, &names[0]);
    assert_ptr_equal(listed[RANKING_FULLEST + 1].name, &names[1]);
}

static void test_nobody_is_listed_twice_or_lost(void **state)
{
    (void)state;
    srand(11);
    for (int round = 0; round < 200; round++) {
        size_t count = (size_t)rand() % MANY;
        ranking_init(&ranking, VIEW_RECENT);
        for (size_t i = 0; i < count; i++)
            add(i, (uint64_t)rand() % 4, (uint64_t)rand() % 4);
        size_t n = ranking_finish(&ranking, listed, &rest);
        assert_int_equal(n, count < RANKING_ROWS ? count : RANKING_ROWS);
        assert_int_equal(rest.number[VIEW_IN], count - n);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < i; k++)
                assert_ptr_not_equal(listed[i].name, listed[k].name);
    }
}

static void test_the_rest_has_an_age_when_there_is_one(void **state)
{
    (void)state;
    ranking_init(&ranking, VIEW_RECENT);
    for (size_t i = 0; i < MANY; i++) {
        struct view v = view_of(i, 0, 0);
        v.number[VIEW_AGE_MS] = i;
        ranking_add(&ranking, &v);
    }
    ranking_finish(&ranking, listed, &rest);
    assert_int_equal(rest.number[VIEW_AGE_MS], MANY - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_are_all_listed),
        cmocka_unit_test(test_nobody_is_listed_when_there_is_nobody),
        cmocka_unit_test(test_fullest_first_then_busiest),
        cmocka_unit_test(test_the_full_leave_room_for_the_busy),
        cmocka_unit_test(test_nobody_is_listed_twice_or_lost),
        cmocka_unit_test(test_the_rest_has_an_age_when_there_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
