/* SPDX-License-Identifier: MIT
 *
 * What is kept of an incomplete pair follows the bytes that came. A length
 * that was only announced costs nothing.
 */
#include "broker/session/inbox.h"

#include <string.h>

#include "tests/unit/unit.h"

enum { GIB = 1 << 30 };

struct fixture {
    struct budget budget;
    struct block_pool pool;
    struct inbox inbox;
};

static const uint8_t name_frame[] = {0, 0, 0, 1, 't'};

static int open_inbox(void **state)
{
    static struct fixture f;
    f = (struct fixture){.budget = {.used_bytes = 0}};
    block_pool_init(&f.pool, &f.budget);
    *state = &f;
    return 0;
}

static int close_inbox(void **state)
{
    struct fixture *f = *state;
    inbox_clear(&f->inbox, &f->budget);
    block_pool_fini(&f->pool);
    return f->budget.used_bytes != 0;
}

static void begin(struct fixture *f, uint32_t body_bytes)
{
    static const uint8_t head[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    assert_true(inbox_begin(&f->inbox, &f->budget, &f->pool, name_frame,
                            sizeof name_frame, head, sizeof head, body_bytes));
    assert_true(inbox_is_large(&f->inbox));
    assert_int_equal(f->inbox.body->used, sizeof head);
}

static void test_small_beginning_is_kept_as_it_came(void **state)
{
    struct fixture *f = *state;
    assert_true(inbox_keep(&f->inbox, &f->budget, name_frame, 0));
    assert_int_equal(f->budget.used_bytes, 0);
    assert_true(inbox_keep(&f->inbox, &f->budget, name_frame, 5));
    assert_int_equal(f->inbox.tail_bytes, 5);
    assert_memory_equal(f->inbox.tail, name_frame, 5);
    assert_false(inbox_is_large(&f->inbox));
    assert_in_range(f->budget.used_bytes, 5, 40);
}

static void test_announced_length_costs_nothing(void **state)
{
    struct fixture *f = *state;
    begin(f, GIB);
    assert_in_range(f->budget.used_bytes, 8, 20000);
    assert_int_equal(f->inbox.body_bytes, GIB);
}

static void test_memory_follows_the_bytes_that_came(void **state)
{
    struct fixture *f = *state;
    static uint8_t piece[10000];
    begin(f, GIB);
    for (uint64_t came = 8; came < 3000000;) {
        assert_int_equal(inbox_feed(&f->inbox, piece, sizeof piece),
                         sizeof piece);
        came += sizeof piece;
        assert_int_equal(f->inbox.body->used, came);
        assert_true(f->budget.used_bytes <= 2 * came + 20000);
    }
}

static void test_never_more_than_it_will_have(void **state)
{
    struct fixture *f = *state;
    static uint8_t piece[70000];
    begin(f, 50000);
    assert_int_equal(inbox_feed(&f->inbox, piece, 40000), 40000);
    assert_false(inbox_is_complete(&f->inbox));
    assert_int_equal(inbox_feed(&f->inbox, piece, sizeof piece), 9992);
    assert_true(inbox_is_complete(&f->inbox));
    assert_int_equal(f->inbox.body->used, 50000);
    assert_int_equal(f->inbox.body->capacity, 50000);
    assert_int_equal(inbox_feed(&f->inbox, piece, 1), 0);
}

static void test_bytes_may_be_read_in_place(void **state)
{
    struct fixture *f = *state;
    uint8_t *at, expected[40000];
    size_t total = 8, room;
    begin(f, sizeof expected);
    for (size_t i = 0; i < 8; i++)
        expected[i] = (uint8_t)(i + 1);
    while ((room = inbox_room(&f->inbox, &at, 777)) > 0 &&
           !inbox_is_complete(&f->inbox)) {
        assert_true(room <= 777 && total + room <= sizeof expected);
        memset(at, (int)(total % 251), room);
        memset(expected + total, (int)(total % 251), room);
        inbox_filled(&f->inbox, room);
        total += room;
    }
    assert_true(inbox_is_complete(&f->inbox));
    assert_memory_equal(f->inbox.body->bytes, expected, sizeof expected);
}

static void test_small_one_has_no_place_to_read_to(void **state)
{
    struct fixture *f = *state;
    uint8_t *at;
    assert_int_equal(inbox_room(&f->inbox, &at, 100), 0);
    assert_true(inbox_keep(&f->inbox, &f->budget, name_frame, 5));
    assert_int_equal(inbox_room(&f->inbox, &at, 100), 0);
}

#define INBOX_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(test, open_inbox, close_inbox)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INBOX_TEST(test_small_beginning_is_kept_as_it_came),
        INBOX_TEST(test_announced_length_costs_nothing),
        INBOX_TEST(test_memory_follows_the_bytes_that_came),
        INBOX_TEST(test_never_more_than_it_will_have),
        INBOX_TEST(test_bytes_may_be_read_in_place),
        INBOX_TEST(test_small_one_has_no_place_to_read_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
