/* SPDX-License-Identifier: MIT
 *
 * Publishers wait at a gate in the order they came, and no later one overtakes
 * them.
 */
#include "broker/core/gate.h"

#include "tests/unit/unit.h"

struct fixture {
    struct gate gate;
    struct list open_gates;
    struct place places[4];
};

static int open_gate(void **state)
{
    static struct fixture f;
    gate_init(&f.gate);
    list_init(&f.open_gates);
    *state = &f;
    return 0;
}

static bool is_listed(const struct fixture *f)
{
    return !list_is_empty(&f->open_gates);
}

static void wait(struct fixture *f, int i)
{
    gate_wait(&f->gate, &f->open_gates, &f->places[i], false);
}

static void check_pop(struct fixture *f, int i)
{
    assert_ptr_equal(gate_pop(&f->gate, &f->open_gates), &f->places[i]);
}

static void test_new_gate_is_open(void **state)
{
    struct fixture *f = *state;
    assert_false(gate_must_wait(&f->gate));
    assert_null(gate_pop(&f->gate, &f->open_gates));
}

static void test_every_reason_must_go(void **state)
{
    struct fixture *f = *state;
    gate_close(&f->gate);
    gate_close(&f->gate);
    gate_open(&f->gate, &f->open_gates);
    assert_true(gate_must_wait(&f->gate));
    gate_open(&f->gate, &f->open_gates);
    assert_false(gate_must_wait(&f->gate));
    assert_false(is_listed(f)); /* nobody to let through */
}

static void test_waiters_pass_in_the_order_they_came(void **state)
{
    struct fixture *f = *state;
    gate_close(&f->gate);
    for (int i = 0; i < 3; i++)
        wait(f, i);
    assert_false(is_listed(f));
    gate_open(&f->gate, &f->open_gates);
    assert_true(is_listed(f));
    for (int i = 0; i < 3; i++)
        check_pop(f, i);
    assert_false(is_listed(f));
    assert_false(gate_must_wait(&f->gate));
}

static void test_open_gate_stays_shut_to_newcomers(void **state)
{
    struct fixture *f = *state;
    gate_close(&f->gate);
    wait(f, 0);
    wait(f, 1);
    gate_open(&f->gate, &f->open_gates);
    assert_true(gate_must_wait(&f->gate));
    check_pop(f, 0);
    assert_true(gate_must_wait(&f->gate));
    wait(f, 0); /* once more, behind the one that waits already */
    check_pop(f, 1);
    check_pop(f, 0);
    assert_false(gate_must_wait(&f->gate));
}

static void test_waiting_at_an_open_gate_lists_it(void **state)
{
    struct fixture *f = *state;
    wait(f, 0);
    assert_true(is_listed(f));
    wait(f, 1);
    check_pop(f, 0);
    assert_true(is_listed(f));
    check_pop(f, 1);
    assert_false(is_listed(f));
}

static void test_closing_again_takes_it_off_the_list(void **state)
{
    struct fixture *f = *state;
    gate_close(&f->gate);
    wait(f, 0);
    gate_open(&f->gate, &f->open_gates);
    gate_close(&f->gate);
    assert_false(is_listed(f));
    gate_open(&f->gate, &f->open_gates);
    assert_true(is_listed(f));
    check_pop(f, 0);
}

static void test_who_leaves_keeps_nobody_out(void **state)
{
    struct fixture *f = *state;
    wait(f, 0);
    wait(f, 1);
    gate_forget(&f->places[0], &f->open_gates);
    check_pop(f, 1);
    wait(f, 2);
    gate_forget(&f->places[2], &f->open_gates);
    assert_false(gate_must_wait(&f->gate));
    assert_false(is_listed(f));
}

static void test_one_may_go_to_the_front(void **state)
{
    struct fixture *f = *state;
    wait(f, 0);
    wait(f, 1);
    gate_wait(&f->gate, &f->open_gates, &f->places[2], true);
    check_pop(f, 2);
    check_pop(f, 0);
    check_pop(f, 1);
}

#define GATE_TEST(test) cmocka_unit_test_setup(test, open_gate)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATE_TEST(test_new_gate_is_open),
        GATE_TEST(test_every_reason_must_go),
        GATE_TEST(test_waiters_pass_in_the_order_they_came),
        GATE_TEST(test_open_gate_stays_shut_to_newcomers),
        GATE_TEST(test_waiting_at_an_open_gate_lists_it),
        GATE_TEST(test_closing_again_takes_it_off_the_list),
        GATE_TEST(test_who_leaves_keeps_nobody_out),
        GATE_TEST(test_one_may_go_to_the_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
