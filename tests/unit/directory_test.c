/* SPDX-License-Identifier: MIT
 *
 * Channels are found by their whole names, begin when they are obtained, and
 * end when they are unused.
 */
#include "broker/core/directory.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

enum { MANY = 300, NAME = 16 };

static struct channel *obtain(struct rig *r, const char *name)
{
    return directory_obtain(&r->core.directory, (const uint8_t *)name,
                            (uint32_t)strlen(name));
}

static int begin(void **state)
{
    static struct rig r;
    rig_open(&r);
    *state = &r;
    return 0;
}

static void touch(struct channel *ch, void *arg)
{
    (void)arg;
    channel_touch(ch);
}

static int end(void **state)
{
    struct rig *r = *state;
    directory_each(&r->core.directory, touch, NULL);
    rig_turn(r);
    rig_close(r);
    return 0;
}

static void test_a_channel_is_found_by_its_whole_name(void **state)
{
    struct rig *r = *state;
    struct channel *a = obtain(r, "/a"), *ab = obtain(r, "/ab");
    assert_non_null(a);
    assert_ptr_not_equal(a, ab);
    assert_ptr_equal(rig_find(r, "/a"), a);
    assert_ptr_equal(rig_find(r, "/ab"), ab);
    assert_null(rig_find(r, "/"));
    assert_null(rig_find(r, "/abc"));
}

static void test_a_channel_that_exists_is_obtained_again(void **state)
{
    struct rig *r = *state;
    struct channel *a = obtain(r, "/a");
    assert_ptr_equal(obtain(r, "/a"), a);
    assert_int_equal(rig_count(r, COUNT_channels), 1);
}

static void test_a_name_decides_whether_it_is_a_queue(void **state)
{
    struct rig *r = *state;
    assert_true(channel_is_queue(obtain(r, "/queuefoo")));
    assert_false(channel_is_queue(obtain(r, "/q")));
}

static void test_a_channel_that_is_unused_ends_with_the_turn(void **state)
{
    struct rig *r = *state;
    channel_touch(obtain(r, "/a"));
    rig_turn(r);
    assert_null(rig_find(r, "/a"));
    assert_int_equal(rig_count(r, COUNT_channels), 0);
}

/* Whichever ends: a pointer that was remembered may be to that one. */
static void test_a_reference_is_good_until_a_channel_ends(void **state)
{
    struct rig *r = *state;
    struct channel_ref ref;
    struct channel *a = obtain(r, "/a"), *b = obtain(r, "/b");
    channel_ref_set(&ref, &r->core, a);
    assert_ptr_equal(channel_ref_get(&ref, &r->core), a);
    channel_touch(b);
    rig_turn(r);
    assert_null(channel_ref_get(&ref, &r->core));
    assert_ptr_equal(rig_find(r, "/a"), a);
}

struct tally {
    uint32_t old, young; /* visited */
};

static void count(struct channel *ch, void *arg)
{
    struct tally *t = arg;
    uint32_t *n = channel_name(ch)[1] == 'o' ? &t->old : &t->young;
    ++*n;
}

static void make(struct rig *r, char age, int number)
{
    char name[NAME];
    (void)snprintf(name, sizeof name, "/%c/%d", age, number);
    assert_non_null(obtain(r, name));
}

static void test_a_walk_visits_each_once_while_others_come(void **state)
{
    struct rig *r = *state;
    struct map_walk walk = {0};
    struct tally t = {0};
    int young = 0;
    for (int i = 0; i < MANY; i++)
        make(r, 'o', i);
    for (bool goes_on = true; goes_on; young++) {
        goes_on = directory_walk(&r->core.directory, &walk, 1, count, &t);
        make(r, 'y', young); /* the table grows */
    }
    assert_int_equal(t.old, MANY);
    assert_true(t.young <= (uint32_t)young);
}

static void test_parts_of_the_table_make_up_all_of_it(void **state)
{
    struct rig *r = *state;
    struct tally each = {0}, parts = {0};
    for (int i = 0; i < MANY; i++)
        make(r, 'o', i);
    directory_each(&r->core.directory, count, &each);
    assert_int_equal(each.old, MANY);
    size_t all = r->core.directory.channels.slot_count +
                 r->core.directory.channels.old_count;
    for (size_t from = 0; from < all;)
        from = directory_visit(&r->core.directory, from, 1, count, &parts);
    assert_int_equal(parts.old, MANY);
}

#define DIRECTORY_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(test_a_channel_is_found_by_its_whole_name),
        DIRECTORY_TEST(test_a_channel_that_exists_is_obtained_again),
        DIRECTORY_TEST(test_a_name_decides_whether_it_is_a_queue),
        DIRECTORY_TEST(test_a_channel_that_is_unused_ends_with_the_turn),
        DIRECTORY_TEST(test_a_reference_is_good_until_a_channel_ends),
        DIRECTORY_TEST(test_a_walk_visits_each_once_while_others_come),
        DIRECTORY_TEST(test_parts_of_the_table_make_up_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
