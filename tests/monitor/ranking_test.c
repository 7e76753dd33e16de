/* SPDX-License-Identifier: MIT
 *
 * Among many, the fullest and the busiest are listed, and the others summed.
 */
#include "broker/monitor/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { MANY = 1000 };

static struct ranking ranking;
static struct ranking_list list;
static const uint8_t names[MANY];

static struct view view_of(size_t i, uint64_t bytes, uint64_t recent)
{
    return (struct view){
        .name = &names[i],
        .conn = i,
        .number = {[VIEW_BYTES] = bytes, [VIEW_RECENT] = recent, [VIEW_IN] = 1},
    };
}

static void add(size_t i, uint64_t bytes, uint64_t recent)
{
    struct view v = view_of(i, bytes, recent);
    ranking_add(&ranking, &v);
}

static size_t finish(void)
{
    ranking_finish(&ranking, &list);
    return list.count;
}

static void test_few_are_all_listed(void **state)
{
    (void)state;
    ranking_init(&ranking, VIEW_RECENT);
    for (size_t i = 0; i < RANKING_ROWS; i++)
        add(i, i % 2, 0);
    assert_int_equal(finish(), RANKING_ROWS);
    assert_int_equal(ranking.total, RANKING_ROWS);
    for (size_t k = 0; k < VIEW_NUMBERS; k++)
        assert_int_equal(list.rest.number[k], 0);
}

static void test_nobody_is_listed_when_there_is_nobody(void **state)
{
    (void)state;
    ranking_init(&ranking, VIEW_RECENT);
    assert_int_equal(finish(), 0);
    assert_int_equal(list.rest.number[VIEW_IN], 0);
}

/* Three full ones among a thousand, and the highest activity elsewhere. */
static void test_fullest_first_then_busiest(void **state)
{
    (void)state;
    ranking_init(&ranking, VIEW_RECENT);
    for (size_t i = 0; i < MANY; i++)
        add(i, i == 5 ? 10 : i == 700 ? 30 : i == 999 ? 20 : 0, i);
    assert_int_equal(finish(), RANKING_ROWS);
    assert_int_equal(list.rows[0]->conn, 700);
    assert_int_equal(list.rows[1]->conn, 999);
    assert_int_equal(list.rows[2]->conn, 5);
    assert_int_equal(list.rows[3]->conn, 998);
    assert_int_equal(list.rows[RANKING_ROWS - 1]->conn, 902);
    assert_int_equal(list.rest.number[VIEW_IN], MANY - RANKING_ROWS);
    assert_int_equal(list.rest.number[VIEW_BYTES], 0);
}

/* When all are full, the busiest still have half of the room. */
static void test_the_full_leave_room_for_the_busy(void **state)
{
    (void)state;
    ranking_init(&ranking, VIEW_RECENT);
    for (size_t i = 0; i < MANY; i++)
        add(i, MANY + i, MANY - i);
    assert_int_equal(finish(), RANKING_ROWS);
    assert_int_equal(list.rows[0]->conn, MANY - 1);
    assert_int_equal(list.rows[RANKING_FULLEST]->conn, 0);
    assert_int_equal(list.rows[RANKING_FULLEST + 1]->conn, 1);
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
        size_t n = finish();
        assert_int_equal(n, count < RANKING_ROWS ? count : RANKING_ROWS);
        assert_int_equal(list.rest.number[VIEW_IN], count - n);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < i; k++)
                assert_int_not_equal(list.rows[i]->conn, list.rows[k]->conn);
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
    finish();
    assert_int_equal(list.rest.number[VIEW_AGE_MS], MANY - 1);
}

/* Readers refuse a longer document. */
static void test_long_names_leave_room_for_fewer_rows(void **state)
{
    (void)state;
    static uint8_t longest[CHANNEL_NAME_MAX];
    ranking_init(&ranking, VIEW_RECENT);
    for (size_t i = 1; i <= 2 * RANKING_ROWS; i++) {
        struct view v = {.name = longest,
                         .name_length = sizeof longest,
                         .waits_for = longest,
                         .waits_for_length = sizeof longest,
                         .peer = &(struct peer){.port = 7},
                         .conn = i,
                         .number = {[VIEW_BYTES] = i % 2, [VIEW_IN] = 1}};
        ranking_add(&ranking, &v);
    }
    size_t n = finish();
    size_t row = RANKING_CLIENT_BYTES + (size_t)2 * 3 * CHANNEL_NAME_MAX;
    assert_int_equal(n, RANKING_BYTES / row);
    assert_int_equal(list.rest.number[VIEW_IN], 2 * RANKING_ROWS - n);
}

/* Channels and clients may be gone before the ranking ends. */
static void test_what_is_listed_is_a_copy(void **state)
{
    (void)state;
    uint8_t name[] = "/queue/a", waits_for[] = "/queue/b";
    char user[] = "ann";
    struct peer peer = {.port = 7};
    struct view v = {.user = user,
                     .name = name,
                     .name_length = sizeof name,
                     .waits_for = waits_for,
                     .waits_for_length = sizeof waits_for,
                     .peer = &peer,
                     .conn = 5};
    ranking_init(&ranking, VIEW_RECENT);
    ranking_add(&ranking, &v);
    memset(name, 0, sizeof name);
    memset(waits_for, 0, sizeof waits_for);
    memset(user, 0, sizeof user);
    peer.port = 0;
    assert_int_equal(finish(), 1);
    assert_string_equal((const char *)list.rows[0]->name, "/queue/a");
    assert_string_equal((const char *)list.rows[0]->waits_for, "/queue/b");
    assert_string_equal(list.rows[0]->user, "ann");
    assert_int_equal(list.rows[0]->peer->port, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_listed_is_a_copy),
        cmocka_unit_test(test_long_names_leave_room_for_fewer_rows),
        cmocka_unit_test(test_few_are_all_listed),
        cmocka_unit_test(test_nobody_is_listed_when_there_is_nobody),
        cmocka_unit_test(test_fullest_first_then_busiest),
        cmocka_unit_test(test_the_full_leave_room_for_the_busy),
        cmocka_unit_test(test_nobody_is_listed_twice_or_lost),
        cmocka_unit_test(test_the_rest_has_an_age_when_there_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
