/* SPDX-License-Identifier: MIT
 *
 * A block lives while it has a reference, and its memory is charged exactly
 * as long.
 */
#include "broker/core/block.h"

#include <string.h>

#include "tests/unit/unit.h"

struct fixture {
    struct budget budget;
    struct block_pool pool;
};

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
    block_pool_fini(&f->pool);
    return f->budget.used_bytes != 0;
}

static struct block *block_of(struct fixture *f, uint32_t capacity,
                              const char *text)
{
    struct block *b = block_new(&f->pool, capacity);
    assert_non_null(b);
    b->used = (uint32_t)strlen(text);
    memcpy(b->bytes, text, b->used);
    return b;
}

static void test_lives_until_the_last_reference(void **state)
{
    struct fixture *f = *state;
    struct block *b = block_of(f, 1000, "water"), *home = b;
    b->home = &home;
    assert_true(f->budget.used_bytes >= 1000);
    assert_ptr_equal(block_ref(b), b);
    block_unref(b);
    assert_memory_equal(b->bytes, "water", 5);
    block_unref(b);
    assert_null(home);
    assert_int_equal(f->budget.used_bytes, 0);
}

static void test_sealing_clears_the_home_once(void **state)
{
    struct fixture *f = *state;
    struct block *b = block_of(f, 1000, "water"), *home = b;
    b->home = &home;
    block_seal(b);
    assert_null(home);
    home = b; /* not referred to any more */
    block_seal(b);
    block_unref(b);
    assert_ptr_equal(home, b);
}

static const struct {
    uint32_t from, to;
} sizes[] = {
    {BLOCK_BYTES, 256}, {256, BLOCK_BYTES},         {1000, 100000},
    {100000, 5},        {BLOCK_BYTES, BLOCK_BYTES},
};

static void test_resizing_keeps_bytes_and_accounts(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        struct block *b = block_of(f, sizes[i].from, "water");
        uint64_t head = f->budget.used_bytes - sizes[i].from;
        assert_true(block_resize(b, sizes[i].to));
        assert_int_equal(b->capacity, sizes[i].to);
        assert_memory_equal(b->bytes, "water", 5);
        memset(b->bytes + 5, 1, sizes[i].to - 5);
        assert_int_equal(f->budget.used_bytes, head + sizes[i].to);
        block_unref(b);
        assert_int_equal(f->budget.used_bytes, 0);
    }
}

static void test_spare_buffers_are_bounded_and_used_again(void **state)
{
    struct fixture *f = *state;
    struct block *blocks[BLOCK_SPARE_MAX + 5];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < UNIT_COUNT(blocks); i++)
            blocks[i] = block_of(f, BLOCK_BYTES, "water");
        assert_int_equal(f->pool.buffers.count, 0);
        for (size_t i = 0; i < UNIT_COUNT(blocks); i++)
            block_unref(blocks[i]);
        assert_int_equal(f->pool.buffers.count, BLOCK_SPARE_MAX);
        assert_int_equal(f->budget.used_bytes, 0);
    }
}

static void test_few_are_spared_while_memory_is_short(void **state)
{
    struct fixture *f = *state;
    struct block *blocks[BLOCK_SPARE_SHORT_MAX + 5];
    for (size_t i = 0; i < UNIT_COUNT(blocks); i++)
        blocks[i] = block_of(f, BLOCK_BYTES, "water");
    f->budget.limit_bytes = f->budget.used_bytes;
    budget_promise(&f->budget, f->budget.limit_bytes);
    for (size_t i = 0; i < UNIT_COUNT(blocks); i++)
        block_unref(blocks[i]);
    assert_int_equal(f->pool.buffers.count, BLOCK_SPARE_SHORT_MAX);
    budget_unpromise(&f->budget, f->budget.limit_bytes);
}

#define BLOCK_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(test, open_pool, close_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BLOCK_TEST(test_lives_until_the_last_reference),
        BLOCK_TEST(test_sealing_clears_the_home_once),
        BLOCK_TEST(test_resizing_keeps_bytes_and_accounts),
        BLOCK_TEST(test_spare_buffers_are_bounded_and_used_again),
        BLOCK_TEST(test_few_are_spared_while_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
