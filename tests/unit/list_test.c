/* SPDX-License-Identifier: MIT
 *
 * A list keeps its order, and a link may be taken out twice, or while walking.
 */
#include "broker/base/list.h"

#include "tests/unit/unit.h"

struct item {
    int number;
    struct list link;
};

static void fill(struct list *head, struct item *items, int n)
{
    list_init(head);
    for (int i = 0; i < n; i++) {
        items[i].number = i;
        list_insert(head, &items[i].link);
    }
}

static int number_of(const struct list *link)
{
    return LIST_OF(link, struct item, link)->number;
}

static void test_pops_in_the_order_of_inserting(void **state)
{
    (void)state;
    struct list head;
    struct item items[3];
    fill(&head, items, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(number_of(list_pop(&head)), i);
    assert_null(list_pop(&head));
    assert_true(list_is_empty(&head));
}

static void test_inserts_before_any_link(void **state)
{
    (void)state;
    struct list head;
    struct item items[3], early = {.number = 7};
    fill(&head, items, 3);
    list_insert(&items[1].link, &early.link);
    static const int expected[] = {0, 7, 1, 2};
    size_t i = 0;
    LIST_EACH (link, &head)
        assert_int_equal(number_of(link), expected[i++]);
    assert_int_equal(i, UNIT_COUNT(expected));
}

static void test_removing_twice_is_harmless(void **state)
{
    (void)state;
    struct list head;
    struct item items[3];
    fill(&head, items, 3);
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    assert_true(list_is_empty(&items[1].link));
    assert_int_equal(number_of(list_pop(&head)), 0);
    assert_int_equal(number_of(list_pop(&head)), 2);
    assert_true(list_is_empty(&head));
}

static void test_elements_may_leave_while_walked(void **state)
{
    (void)state;
    struct list head;
    struct item items[5];
    fill(&head, items, 5);
    int seen = 0;
    LIST_EACH_SAFE (link, &head) {
        assert_int_equal(number_of(link), seen++);
        list_remove(link);
    }
    assert_int_equal(seen, 5);
    assert_true(list_is_empty(&head));
}

static void test_splices_at_the_end(void **state)
{
    (void)state;
    struct list head, from;
    struct item items[3], more[2], none;
    fill(&head, items, 3);
    fill(&from, &none, 0);
    list_splice(&head, &from);
    fill(&from, more, 2);
    list_splice(&head, &from);
    assert_true(list_is_empty(&from));
    static const int expected[] = {0, 1, 2, 0, 1};
    for (size_t i = 0; i < UNIT_COUNT(expected); i++)
        assert_int_equal(number_of(list_pop(&head)), expected[i]);
    fill(&from, more, 2);
    list_splice(&head, &from);
    assert_int_equal(number_of(list_pop(&head)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pops_in_the_order_of_inserting),
        cmocka_unit_test(test_inserts_before_any_link),
        cmocka_unit_test(test_removing_twice_is_harmless),
        cmocka_unit_test(test_elements_may_leave_while_walked),
        cmocka_unit_test(test_splices_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
