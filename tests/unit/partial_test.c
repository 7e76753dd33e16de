/* SPDX-License-Identifier: MIT
 *
 * The memory of an incomplete pair follows the bytes that have arrived. A
 * length that is only announced costs nothing.
 */
#include "broker/session/partial.h"

#include <string.h>

#include "tests/unit/unit.h"

enum { GIB = 1 << 30 };

struct fixture {
    struct budget budget;
    struct block_pool pool;
    struct partial *partial;
};

static const uint8_t name_frame[] = {0, 0, 0, 1, 't'};

static int open_pool(void **state)
{
    static struct fixture f;
    f = (struct fixture){.budget = {.used_bytes = 0}};
    block_pool_init(&f.pool, &f.budget);
    *state = &f;
    return 0;
}

static int close_pool(void **state)
{
    struct fixture *f = *state;
    partial_free(f->partial, &f->budget);
    block_pool_fini(&f->pool);
    return f->budget.used_bytes != 0;
}

static void keep(struct fixture *f)
{
    f->partial = partial_new(&f->budget, name_frame, sizeof name_frame);
    assert_non_null(f->partial);
}

static void begin(struct fixture *f, uint32_t body_bytes)
{
    static const uint8_t head[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    keep(f);
    assert_true(partial_begin_body(f->partial, &f->pool, head, sizeof head,
                                   body_bytes));
    assert_true(partial_is_large(f->partial));
    assert_int_equal(f->partial->body->used, sizeof head);
}

static void test_small_beginning_is_kept_as_it_came(void **state)
{
    struct fixture *f = *state;
    assert_false(partial_is_large(NULL));
    keep(f);
    assert_int_equal(f->partial->head_bytes, 5);
    assert_memory_equal(f->partial->head, name_frame, 5);
    assert_false(partial_is_large(f->partial));
    assert_in_range(f->budget.used_bytes, 5, 120);
}

static void test_announced_length_costs_nothing(void **state)
{
    struct fixture *f = *state;
    begin(f, GIB);
    assert_in_range(f->budget.used_bytes, 8, 20000);
    assert_int_equal(f->partial->body_bytes, GIB);
}

static void test_memory_follows_the_bytes_that_came(void **state)
{
    struct fixture *f = *state;
    static uint8_t piece[10000];
    begin(f, GIB);
    for (uint64_t came = 8; came < 3000000;) {
        assert_int_equal(partial_feed(f->partial, piece, sizeof piece),
                         sizeof piece);
        came += sizeof piece;
        assert_int_equal(f->partial->body->used, came);
        assert_true(f->budget.used_bytes <= 2 * came + 20000);
    }
}

static void test_never_more_than_it_will_have(void **state)
{
    struct fixture *f = *state;
    static uint8_t piece[70000];
    begin(f, 50000);
    assert_int_equal(partial_feed(f->partial, piece, 40000), 40000);
    assert_false(partial_is_complete(f->partial));
    assert_int_equal(partial_feed(f->partial, piece, sizeof piece), 9992);
    assert_true(partial_is_complete(f->partial));
    assert_int_equal(f->partial->body->used, 50000);
    assert_int_equal(f->partial->body->capacity, 50000);
    assert_int_equal(partial_feed(f->partial, piece, 1), 0);
}

static void test_bytes_may_be_read_in_place(void **state)
{
    struct fixture *f = *state;
    uint8_t *at, expected[40000];
    size_t total = 8, room;
    begin(f, sizeof expected);
    for (size_t i = 0; i < 8; i++)
        expected[i] = (uint8_t)(i + 1);
    while ((room = partial_room(f->partial, &at, 777)) > 0 &&
           !partial_is_complete(f->partial)) {
        assert_true(room <= 777 && total + room <= sizeof expected);
        memset(at, (int)(total % 251), room);
        memset(expected + total, (int)(total % 251), room);
        partial_filled(f->partial, room);
        total += room;
    }
    assert_true(partial_is_complete(f->partial));
    assert_memory_equal(f->partial->body->bytes, expected, sizeof expected);
}

#define PARTIAL_TEST(test)                                                     \
    cmocka_unit_test_setup_teardown(test, open_pool, close_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARTIAL_TEST(test_small_beginning_is_kept_as_it_came),
        PARTIAL_TEST(test_announced_length_costs_nothing),
        PARTIAL_TEST(test_memory_follows_the_bytes_that_came),
        PARTIAL_TEST(test_never_more_than_it_will_have),
        PARTIAL_TEST(test_bytes_may_be_read_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
