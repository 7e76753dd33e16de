/* SPDX-License-Identifier: MIT
 *
 * Errands are done one after another, as much in each turn as may be.
 */
#include "broker/session/units/errands.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { TURN_WORK = 10 };

static char done[100]; /* the names of errands that are */

struct job {
    struct errand errand;
    const char *name;
    int32_t left;
};

static bool job_run(struct errand *e, int32_t *work)
{
    struct job *j = LIST_OF(e, struct job, errand);
    int32_t part = j->left < *work ? j->left : *work;
    j->left -= part;
    *work -= part;
    if (j->left > 0)
        return false;
    list_remove(&e->link);
    strcat(done, j->name);
    return true;
}

static void add(struct errands *all, struct job *j, const char *name,
                int32_t work)
{
    *j = (struct job){.name = name, .left = work};
    list_init(&j->errand.link);
    j->errand.run = job_run;
    errands_add(all, &j->errand);
}

static void begin(struct errands *all)
{
    done[0] = '\0';
    errands_init(all);
    all->work = all->turn_work = TURN_WORK;
}

static void test_a_short_errand_is_done_at_once(void **state)
{
    struct errands all;
    struct job a, b;
    (void)state;
    begin(&all);
    add(&all, &a, "a", 4);
    add(&all, &b, "b", 4);
    assert_string_equal(done, "ab");
    assert_false(errands_are_due(&all));
}

static void test_a_turn_does_so_much_and_no_more(void **state)
{
    struct errands all;
    struct job a;
    (void)state;
    begin(&all);
    add(&all, &a, "a", 3 * TURN_WORK);
    assert_int_equal(a.left, 2 * TURN_WORK);
    assert_true(errands_end_turn(&all));
    assert_int_equal(a.left, TURN_WORK);
    assert_false(errands_end_turn(&all));
    assert_string_equal(done, "a");
}

static void test_none_begins_before_those_in_front_are_done(void **state)
{
    struct errands all;
    struct job a, b, c;
    (void)state;
    begin(&all);
    add(&all, &a, "a", TURN_WORK + 1);
    add(&all, &b, "b", 1);
    add(&all, &c, "c", TURN_WORK);
    assert_string_equal(done, "");
    assert_true(errands_end_turn(&all));
    assert_string_equal(done, "ab");
    assert_int_equal(c.left, 2);
    assert_false(errands_end_turn(&all));
    assert_string_equal(done, "abc");
}

static void test_an_errand_that_is_given_up_is_not_run(void **state)
{
    struct errands all;
    struct job a, b;
    (void)state;
    begin(&all);
    add(&all, &a, "a", 2 * TURN_WORK);
    add(&all, &b, "b", 1);
    list_remove(&a.errand.link);
    assert_false(errands_end_turn(&all));
    assert_string_equal(done, "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_short_errand_is_done_at_once),
        cmocka_unit_test(test_a_turn_does_so_much_and_no_more),
        cmocka_unit_test(test_none_begins_before_those_in_front_are_done),
        cmocka_unit_test(test_an_errand_that_is_given_up_is_not_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
