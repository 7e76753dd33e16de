/* SPDX-License-Identifier: MIT
 *
 * A map by number finds what was put there and nothing else, whatever was
 * removed in between, and its memory follows what it holds.
 */
#include "broker/base/idmap.h"

#include <stdlib.h>

#include "broker/base/budget.h"
#include "tests/unit/unit.h"

enum { IDS = 3000, STEPS = 200000 };

struct fixture {
    struct budget budget;
    struct idmap map;
};

/* Allocations fail while it is true. */
static bool is_out_of_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
    return is_out_of_memory ? NULL : __real_calloc(n, size);
}

static int open_map(void **state)
{
    static struct fixture f;
    f = (struct fixture){.budget = {.used_bytes = 0}};
    idmap_init(&f.map, &f.budget);
    *state = &f;
    return 0;
}

static int close_map(void **state)
{
    struct fixture *f = *state;
    idmap_clear(&f->map);
    assert_int_equal(f->budget.used_bytes, 0);
    return 0;
}

static void check(const struct fixture *f, uint64_t id, uint64_t value)
{
    uint64_t *found = idmap_find(&f->map, id);
    assert_non_null(found);
    assert_int_equal(*found, value);
}

static void test_new_map_is_empty_and_free(void **state)
{
    struct fixture *f = *state;
    assert_null(idmap_find(&f->map, 1));
    idmap_remove(&f->map, 1);
    assert_int_equal(f->budget.used_bytes, 0);
}

static void test_putting_again_replaces(void **state)
{
    struct fixture *f = *state;
    assert_true(idmap_put(&f->map, 7, 1));
    assert_true(idmap_put(&f->map, 7, 2));
    assert_int_equal(f->map.count, 1);
    check(f, 7, 2);
}

static void test_any_id_but_zero_may_be_put(void **state)
{
    struct fixture *f = *state;
    static const uint64_t ids[] = {1, UINT64_MAX, UINT32_MAX, 1ull << 32,
                                   1ull << 63};
    for (size_t i = 0; i < UNIT_COUNT(ids); i++)
        assert_true(idmap_put(&f->map, ids[i], i));
    for (size_t i = 0; i < UNIT_COUNT(ids); i++)
        check(f, ids[i], i);
}

static void agree_with_an_array(struct fixture *f, uint64_t factor)
{
    static uint64_t values[IDS + 1];
    size_t count = 0;
    for (size_t i = 1; i <= IDS; i++)
        values[i] = 0;
    for (uint64_t i = 0; i < STEPS; i++) {
        size_t n = 1 + (size_t)rand() % IDS;
        count -= values[n] > 0;
        values[n] = rand() % 3 ? 0 : i + 1;
        count += values[n] > 0;
        if (values[n] > 0)
            assert_true(idmap_put(&f->map, n * factor, values[n]));
        else
            idmap_remove(&f->map, n * factor);
        assert_int_equal(f->map.count, count);
    }
    for (size_t n = 1; n <= IDS; n++)
        if (values[n] > 0)
            check(f, n * factor, values[n]);
        else
            assert_null(idmap_find(&f->map, n * factor));
}

static void test_agrees_with_an_array(void **state)
{
    agree_with_an_array(*state, 1);
}

/* What the map multiplies by undoes this: many begin in each of few slots. */
static void test_agrees_with_an_array_when_ids_collide(void **state)
{
    agree_with_an_array(*state, 0xf1de83e19937733du << 38);
}

static void test_memory_follows_what_it_holds(void **state)
{
    struct fixture *f = *state;
    for (uint64_t id = 1; id <= IDS; id++)
        assert_true(idmap_put(&f->map, id, id));
    uint64_t most = f->budget.used_bytes;
    assert_true(most < IDS * 3 * sizeof(struct idmap_row));
    for (uint64_t id = IDS; id > 1; id--)
        idmap_remove(&f->map, id);
    assert_true(f->budget.used_bytes < most / 10);
    check(f, 1, 1);
    idmap_remove(&f->map, 1);
    assert_int_equal(f->budget.used_bytes, 0);
}

static size_t still_to_move(const struct idmap *m)
{
    return m->old ? m->old_count - m->moved : 0;
}

/* No single call moves many rows, though each has its place at any time. */
static void test_a_large_table_is_replaced_bit_by_bit(void **state)
{
    enum { MANY = 50000, LARGE = 8192, AT_ONCE = 1024 + 16, SAMPLE = 997 };
    struct fixture *f = *state;
    size_t replaced = 0;
    for (uint64_t id = 1; id <= MANY; id++) {
        size_t slots = f->map.slot_count, before = still_to_move(&f->map);
        assert_true(idmap_put(&f->map, id, id));
        if (f->map.slot_count > slots && slots >= LARGE) {
            replaced++;
            assert_true(before <= 16);
            assert_true(still_to_move(&f->map) >= slots - AT_ONCE);
        } else if (before > 0) {
            assert_true(before - still_to_move(&f->map) <= 16);
        }
        check(f, 1 + id * SAMPLE % id, 1 + id * SAMPLE % id);
    }
    assert_true(replaced >= 2);
    for (uint64_t id = MANY; id > 0; id--) {
        size_t slots = f->map.slot_count, before = still_to_move(&f->map);
        idmap_remove(&f->map, id);
        assert_null(idmap_find(&f->map, id));
        if (f->map.slot_count < slots && id > 1)
            assert_true(before <= 16 + AT_ONCE);
        if (id > 1)
            check(f, 1 + id * SAMPLE % (id - 1), 1 + id * SAMPLE % (id - 1));
    }
}

static void test_without_memory_all_is_as_it_was(void **state)
{
    struct fixture *f = *state;
    uint64_t id = 0;
    is_out_of_memory = true;
    assert_false(idmap_put(&f->map, 1, 1));
    is_out_of_memory = false;
    assert_true(idmap_put(&f->map, ++id, 1));
    is_out_of_memory = true;
    while (idmap_put(&f->map, id + 1, id + 1))
        id++;
    assert_int_equal(f->map.count, id);
    assert_true(idmap_put(&f->map, id, 0)); /* it is there already */
    is_out_of_memory = false;
    check(f, 1, 1);
    check(f, id, 0);
    assert_null(idmap_find(&f->map, id + 1));
}

#define IDMAP_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(test, open_map, close_map)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IDMAP_TEST(test_new_map_is_empty_and_free),
        IDMAP_TEST(test_putting_again_replaces),
        IDMAP_TEST(test_any_id_but_zero_may_be_put),
        IDMAP_TEST(test_agrees_with_an_array),
        IDMAP_TEST(test_agrees_with_an_array_when_ids_collide),
        IDMAP_TEST(test_memory_follows_what_it_holds),
        IDMAP_TEST(test_a_large_table_is_replaced_bit_by_bit),
        IDMAP_TEST(test_without_memory_all_is_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
