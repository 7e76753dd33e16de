/* SPDX-License-Identifier: MIT
 *
 * A map finds what is in it and nothing else, however large it grows or
 * shrinks, and whatever bytes the names are made of.
 */
#include "broker/base/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/base/list.h"
#include "tests/unit/unit.h"

enum { MANY = 5000 };

struct item {
    struct map_node node;
    char name[16];
};

struct fixture {
    struct budget budget;
    struct map map;
    struct item *items;
};

static void name_bytes(struct item *item, const void *bytes, size_t n)
{
    memcpy(item->name, bytes, n);
    item->node.length = (uint16_t)n;
    item->node.offset =
        offsetof(struct item, name) - offsetof(struct item, node);
}

static void name_item(struct item *item, int number)
{
    char name[sizeof item->name];
    int n = snprintf(name, sizeof name, "/topic/%d", number);
    name_bytes(item, name, (size_t)n);
}

static int open_map(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->items = calloc(MANY, sizeof *f->items);
    map_init(&f->map, &f->budget);
    for (int i = 0; i < MANY; i++)
        name_item(&f->items[i], i);
    *state = f;
    return 0;
}

static int close_map(void **state)
{
    struct fixture *f = *state;
    map_fini(&f->map);
    int left = f->budget.used_bytes != 0;
    free(f->items);
    free(f);
    return left;
}

static bool has(const struct fixture *f, int i)
{
    const struct map_node *node = &f->items[i].node;
    return map_find(&f->map, map_node_name(node), node->length) == node;
}

static void insert_many_from(struct fixture *f, int from, int to)
{
    for (int i = from; i < to; i++)
        assert_true(map_insert(&f->map, &f->items[i].node));
}

static void insert_many(struct fixture *f, int n)
{
    insert_many_from(f, 0, n);
}

static void remove_many(struct fixture *f, int from, int to)
{
    for (int i = from; i < to; i++)
        map_remove(&f->map, &f->items[i].node);
}

static void test_new_map_owns_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(f->budget.used_bytes, 0);
    assert_null(map_find(&f->map, "x", 1));
}

static void test_grows_with_what_it_holds(void **state)
{
    struct fixture *f = *state;
    insert_many(f, MANY);
    assert_int_equal(f->map.count, MANY);
    assert_true(f->map.slot_count >= MANY);
    for (int i = 0; i < MANY; i++)
        assert_true(has(f, i));
    remove_many(f, 0, MANY);
}

static void test_shrinks_and_still_finds_the_rest(void **state)
{
    struct fixture *f = *state;
    insert_many(f, MANY);
    uint64_t full = f->budget.used_bytes;
    remove_many(f, 20, MANY);
    assert_true(f->budget.used_bytes < full / 8);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(has(f, i), i < 20);
    remove_many(f, 0, 20);
    assert_int_equal(f->map.count, 0);
    assert_false(has(f, 0));
}

/* Fewer slots than names: some share a slot whatever the key is. */
/* No step moves the nodes of many slots, and each is found at any time. */
static void test_a_large_table_is_replaced_bit_by_bit(void **state)
{
    enum { EACH = 16, AT_ONCE = 1024 };
    struct fixture *f = *state;
    unsigned steps = 0;
    for (int i = 0; i < 2 * MANY; i++) {
        const struct map_node *const *old = (void *)f->map.old;
        size_t moved = f->map.moved;
        if (i < MANY)
            insert_many_from(f, i, i + 1);
        else
            remove_many(f, i - MANY, i - MANY + 1);
        if (!f->map.old)
            continue;
        steps++;
        bool is_same = (void *)f->map.old == (const void *)old;
        assert_in_range(f->map.moved - (is_same ? moved : 0), 0,
                        is_same ? EACH : AT_ONCE);
        for (int j = 0; j < MANY; j += 7)
            assert_int_equal(has(f, j), i < MANY ? j <= i : j > i - MANY);
    }
    assert_in_range(steps, 100, MANY);
    assert_null(f->map.old);
}

static void test_names_in_one_slot_are_told_apart(void **state)
{
    struct fixture *f = *state;
    insert_many(f, 64);
    assert_int_equal(f->map.slot_count, 64);
    for (int i = 0; i < 64; i += 2)
        map_remove(&f->map, &f->items[i].node);
    for (int i = 0; i < 64; i++)
        assert_int_equal(has(f, i), i % 2);
    for (int i = 1; i < 64; i += 2)
        map_remove(&f->map, &f->items[i].node);
}

static void test_names_are_bytes_not_text(void **state)
{
    struct fixture *f = *state;
    static const char *const bytes[] = {"a", "a\0", "a\0b", "\0", "\xff\xfe"};
    static const uint32_t lengths[] = {1, 2, 3, 1, 2};
    for (size_t i = 0; i < UNIT_COUNT(bytes); i++)
        name_bytes(&f->items[i], bytes[i], lengths[i]);
    insert_many(f, UNIT_COUNT(bytes));
    for (int i = 0; i < (int)UNIT_COUNT(bytes); i++)
        assert_true(has(f, i));
    assert_null(map_find(&f->map, "a\0b", 4));
    assert_null(map_find(&f->map, "b", 1));
    remove_many(f, 0, UNIT_COUNT(bytes));
}

/* As if the hash of "ab" were that of "abc" by chance. */
static void test_equal_hashes_are_not_equal_names(void **state)
{
    struct fixture *f = *state;
    struct map *m = &f->map;
    struct map_node *node = &f->items[0].node;
    name_bytes(&f->items[0], "abc", 3);
    insert_many(f, 1);
    m->slots[node->hash & (m->slot_count - 1)] = NULL;
    node->hash = (uint32_t)siphash(&m->key, "ab", 2);
    m->slots[node->hash & (m->slot_count - 1)] = node;
    assert_null(map_find(m, "ab", 2));
    node->length = 2;
    assert_ptr_equal(map_find(m, "ab", 2), node);
    map_remove(m, node);
}

static void count_visit(struct map_node *node, void *arg)
{
    assert_non_null(node);
    ++*(int *)arg;
}

static void test_visits_every_node_once(void **state)
{
    struct fixture *f = *state;
    int visits = 0;
    insert_many(f, 100);
    map_each(&f->map, count_visit, &visits);
    assert_int_equal(visits, 100);
    remove_many(f, 0, 100);
}

/* How often each item was visited by a walk. */
static int visited[MANY];

static void note_visit(struct map_node *node, void *items)
{
    struct item *item = LIST_OF(node, struct item, node);
    visited[item - (struct item *)items]++;
}

/* The map grows to forty times its size during one walk and shrinks again
 * during another; at any time some items come and others go. */
static void check_walk(struct fixture *f, int stay, bool is_growing)
{
    struct map_walk walk = {0};
    int from = stay, to = is_growing ? stay : MANY;
    memset(visited, 0, sizeof visited);
    while (map_walk(&f->map, &walk, 3, note_visit, f->items)) {
        for (int i = 0; i < 100 && is_growing && to < MANY; i++, to++)
            assert_true(map_insert(&f->map, &f->items[to].node));
        for (int i = 0; i < 100 && !is_growing && from < to; i++, from++)
            map_remove(&f->map, &f->items[from].node);
    }
    for (int i = 0; i < MANY; i++)
        assert_true(visited[i] == 1 || (i >= stay && visited[i] == 0));
    assert_false(map_walk(&f->map, &walk, 3, note_visit, f->items));
    remove_many(f, from, to);
}

static void
test_walk_visits_once_what_stays_while_the_table_is_resized(void **state)
{
    struct fixture *f = *state;
    enum { STAY = 120 };
    insert_many(f, STAY);
    check_walk(f, STAY, true);
    assert_int_equal(f->map.count, STAY);
    for (int i = STAY; i < MANY; i++)
        assert_true(map_insert(&f->map, &f->items[i].node));
    check_walk(f, STAY, false);
    remove_many(f, 0, STAY);
}

static void test_walk_over_an_empty_map_ends_at_once(void **state)
{
    struct fixture *f = *state;
    struct map_walk walk = {0};
    assert_false(map_walk(&f->map, &walk, 1, note_visit, f->items));
}

#define MAP_TEST(test)                                                         \
    cmocka_unit_test_setup_teardown(test, open_map, close_map)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAP_TEST(test_new_map_owns_nothing),
        MAP_TEST(test_grows_with_what_it_holds),
        MAP_TEST(test_shrinks_and_still_finds_the_rest),
        MAP_TEST(test_a_large_table_is_replaced_bit_by_bit),
        MAP_TEST(test_names_in_one_slot_are_told_apart),
        MAP_TEST(test_names_are_bytes_not_text),
        MAP_TEST(test_equal_hashes_are_not_equal_names),
        MAP_TEST(test_visits_every_node_once),
        MAP_TEST(test_walk_visits_once_what_stays_while_the_table_is_resized),
        MAP_TEST(test_walk_over_an_empty_map_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
