/* SPDX-License-Identifier: MIT
 *
 * A round passes each session that was there when it began, once, although any
 * of them may end between two turns, and no other.
 */
#include "broker/session/round.h"

#include "broker/base/list.h"
#include "broker/session/clients.h"
#include "broker/session/state.h"
#include "tests/unit/chance.h"
#include "tests/unit/unit.h"

enum { SESSIONS = 8, ROUNDS = 20000 };

static struct clients all;
static struct session sessions[2 * SESSIONS];

static struct session *come(void)
{
    struct session *s = &sessions[all.accepted];
    *s = (struct session){.id = ++all.accepted};
    list_insert(&all.list, &s->link);
    return s;
}

static void leave(struct round *r, struct session *s)
{
    round_skip(r, s);
    list_remove(&s->link);
}

static void begin(struct round *r, unsigned count)
{
    all = (struct clients){.accepted = 0};
    list_init(&all.list);
    *r = (struct round){.next = NULL};
    while (count-- > 0)
        come();
    round_begin(r, &all);
}

static void test_all_are_passed_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    struct round r;
    begin(&r, SESSIONS);
    for (unsigned i = 0; i < SESSIONS; i++) {
        assert_true(round_is_under_way(&r));
        assert_ptr_equal(round_next(&r, &all), &sessions[i]);
    }
    assert_null(round_next(&r, &all));
    assert_false(round_is_under_way(&r));
}

static void test_a_round_past_nobody_is_over_at_once(void **state)
{
    (void)state;
    struct round r;
    begin(&r, 0);
    assert_null(round_next(&r, &all));
    assert_false(round_is_under_way(&r));
}

static void test_one_that_is_under_way_begins_again(void **state)
{
    (void)state;
    struct round r;
    begin(&r, 2);
    assert_ptr_equal(round_next(&r, &all), &sessions[0]);
    struct session *later = come();
    round_begin(&r, &all);
    assert_ptr_equal(round_next(&r, &all), &sessions[0]);
    assert_ptr_equal(round_next(&r, &all), &sessions[1]);
    assert_ptr_equal(round_next(&r, &all), later);
    assert_null(round_next(&r, &all));
}

/* Those that are passed, those ahead, and those that come meanwhile. */
static void test_any_may_come_and_end_meanwhile(void **state)
{
    (void)state;
    uint64_t seed = 7, ended_ahead = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        bool is_gone[2 * SESSIONS] = {false};
        struct round r;
        struct session *s;
        uint64_t last = 0;
        begin(&r, SESSIONS);
        do {
            s = round_next(&r, &all);
            for (uint64_t id = last + 1; id < (s ? s->id : SESSIONS + 1); id++)
                assert_true(is_gone[id - 1]); /* or it would be left out */
            last = s ? s->id : last;
            assert_true(last <= SESSIONS && (!s || !is_gone[last - 1]));
            uint32_t k = chance_of(&seed, (uint32_t)all.accepted);
            if (!is_gone[k] && chance_of(&seed, 2) == 0) {
                leave(&r, &sessions[k]);
                is_gone[k] = true;
                ended_ahead += k >= last;
            }
            if (all.accepted < 2 * SESSIONS && chance_of(&seed, 4) == 0)
                come();
        } while (s);
    }
    assert_true(ended_ahead > ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_passed_in_the_order_in_which_they_came),
        cmocka_unit_test(test_a_round_past_nobody_is_over_at_once),
        cmocka_unit_test(test_one_that_is_under_way_begins_again),
        cmocka_unit_test(test_any_may_come_and_end_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
