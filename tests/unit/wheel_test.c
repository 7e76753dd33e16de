/* SPDX-License-Identifier: MIT
 *
 * Every alarm rings once, never early and in the tick in which it is due, in
 * whatever order alarms are set and cancelled and however time goes on. The
 * oracle is a list in order of due times.
 */
#include "broker/base/wheel.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

enum {
    ALARMS = 200,
#ifdef UNIT_HAS_ASAN
    STEPS = 200000,
#else
    STEPS = 1000000,
#endif
};

struct bell {
    struct alarm alarm;
    struct list sorted; /* in the model, by due time */
    clock_ms due;
};

struct tower {
    struct wheel wheel;
    struct bell bells[ALARMS];
    struct list model; /* of struct bell, the next one first */
    clock_ms now;
    uint64_t random;
    unsigned cancelled;
};

static uint32_t chance(struct tower *t, uint32_t n)
{
    t->random = t->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(t->random >> 33) % n;
}

/* All magnitudes equally often. */
static uint32_t length_by_chance(struct tower *t, uint32_t most)
{
    uint32_t length = chance(t, UINT32_MAX) >> chance(t, 32);
    return length % (most + 1);
}

static int open_tower(void **state)
{
    struct tower *t = calloc(1, sizeof *t);
    *state = t;
    if (!t)
        return -1;
    t->now = UINT32_MAX - 100000; /* the clock wraps soon */
    t->random = 1;
    wheel_init(&t->wheel, t->now);
    list_init(&t->model);
    for (unsigned i = 0; i < ALARMS; i++) {
        alarm_init(&t->bells[i].alarm);
        list_init(&t->bells[i].sorted);
    }
    return 0;
}

static int close_tower(void **state)
{
    free(*state);
    return 0;
}

static void set(struct tower *t, struct bell *b, uint32_t after_ms)
{
    wheel_set(&t->wheel, &b->alarm, t->now, after_ms);
    list_remove(&b->sorted);
    b->due = t->now + after_ms;
    struct list *pos = t->model.next;
    while (pos != &t->model &&
           (int32_t)(LIST_OF(pos, struct bell, sorted)->due - b->due) <= 0)
        pos = pos->next;
    list_insert(pos, &b->sorted);
}

static void cancel(struct tower *t, struct bell *b)
{
    t->cancelled += alarm_is_set(&b->alarm);
    wheel_cancel(&t->wheel, &b->alarm);
    list_remove(&b->sorted);
    assert_false(alarm_is_set(&b->alarm));
}

/* The bell that has rung; NULL when no more do. Which of those that are due in
 * one tick is the first is open. */
static struct bell *ring(struct tower *t)
{
    struct alarm *a = wheel_pop(&t->wheel, t->now);
    if (!a)
        return NULL;
    struct bell *b = LIST_OF(a, struct bell, alarm);
    assert_false(alarm_is_set(a));
    assert_false(list_is_empty(&b->sorted));
    assert_true((int32_t)(t->now - b->due) >= 0); /* never early */
    struct bell *first = LIST_OF(t->model.next, struct bell, sorted);
    assert_in_range(b->due - first->due, 0, WHEEL_TICK_MS - 1);
    list_remove(&b->sorted);
    return b;
}

/* All that must ring has rung, and the wheel wakes in time for the next. */
static void check_rest(struct tower *t)
{
    uint32_t wait = wheel_wait_ms(&t->wheel, t->now);
    if (list_is_empty(&t->model)) {
        assert_int_equal(wait, UINT32_MAX);
        return;
    }
    clock_ms due = LIST_OF(t->model.next, struct bell, sorted)->due;
    assert_true((int32_t)(t->now - due) < WHEEL_TICK_MS); /* never late */
    assert_in_range(wait, 1, due - t->now + WHEEL_TICK_MS);
}

static void ring_all(struct tower *t)
{
    do
        while (ring(t))
            ;
    while (wheel_wait_ms(&t->wheel, t->now) == 0);
    check_rest(t);
}

/* Most of the time not longer than the wheel says that nothing happens. */
static void pass_time(struct tower *t)
{
    uint32_t wait = wheel_wait_ms(&t->wheel, t->now);
    uint32_t ms =
        length_by_chance(t, chance(t, 64) > 0 ? 4000 : WHEEL_LONGEST_MS / 2);
    if (wait > 0 && ms > wait && chance(t, 8) > 0) {
        t->now += wait - 1;
        assert_null(wheel_pop(&t->wheel, t->now)); /* it surely has nothing */
        ms = 1;
    }
    t->now += ms;
}

static void step(struct tower *t)
{
    struct bell *b = &t->bells[chance(t, ALARMS)];
    switch (chance(t, 4)) {
    case 0:
        cancel(t, b);
        break;
    case 1:
        pass_time(t);
        if (chance(t, 4) > 0) /* else the next wheel_set() finds it behind */
            ring_all(t);
        break;
    default:
        set(t, b, length_by_chance(t, WHEEL_LONGEST_MS));
    }
}

static void test_rings_as_a_sorted_list_would(void **state)
{
    struct tower *t = *state;
    for (unsigned i = 0; i < STEPS; i++)
        step(t);
    while (!list_is_empty(&t->model)) {
        t->now += wheel_wait_ms(&t->wheel, t->now);
        ring_all(t);
    }
    assert_in_range(t->cancelled, STEPS / 20, STEPS);
}

/* The edges of the rings, and one to either side, from every tick. */
static void test_every_length_rings_in_its_tick(void **state)
{
    struct tower *t = *state;
    static const uint32_t edges[] = {0,       8,     512,     32768,
                                     2097152, 65536, 86399992};
    for (unsigned start = 0; start < 70; start++)
        for (size_t i = 0; i < UNIT_COUNT(edges); i++)
            for (uint32_t by = 0; by < 3; by++) {
                uint32_t length = edges[i] + by - (edges[i] > 0);
                set(t, &t->bells[0], length);
                clock_ms from = t->now;
                while (!list_is_empty(&t->model)) {
                    t->now += wheel_wait_ms(&t->wheel, t->now);
                    ring_all(t);
                }
                assert_in_range(t->now - from, length,
                                length + WHEEL_TICK_MS - (length > 0));
                t->now += start;
            }
}

static void test_an_alarm_that_is_set_again_rings_once(void **state)
{
    struct tower *t = *state;
    set(t, &t->bells[0], 100);
    set(t, &t->bells[0], 50000);
    set(t, &t->bells[0], 1000);
    t->now += 999;
    assert_null(ring(t));
    t->now += 9;
    assert_ptr_equal(ring(t), &t->bells[0]);
    t->now += 100000;
    assert_null(ring(t));
}

static void test_no_time_at_all_is_due_at_once(void **state)
{
    struct tower *t = *state;
    set(t, &t->bells[0], 0);
    assert_int_equal(wheel_wait_ms(&t->wheel, t->now), 0);
    assert_ptr_equal(ring(t), &t->bells[0]);
    set(t, &t->bells[0], 0);
    cancel(t, &t->bells[0]);
    assert_null(ring(t));
    assert_int_equal(wheel_wait_ms(&t->wheel, t->now), UINT32_MAX);
}

static void test_a_cancelled_alarm_wakes_nobody(void **state)
{
    struct tower *t = *state;
    for (uint32_t length = 1; length < WHEEL_LONGEST_MS; length *= 3) {
        set(t, &t->bells[0], length);
        set(t, &t->bells[1], length);
        cancel(t, &t->bells[0]);
        assert_in_range(wheel_wait_ms(&t->wheel, t->now), 0, length + 8);
        cancel(t, &t->bells[1]);
        cancel(t, &t->bells[1]); /* twice is harmless */
        assert_int_equal(wheel_wait_ms(&t->wheel, t->now), UINT32_MAX);
    }
}

/* After a month without a call a day is still a day. */
static void test_a_wheel_that_stood_still_is_right(void **state)
{
    struct tower *t = *state;
    t->now += UINT32_C(30) * WHEEL_LONGEST_MS;
    set(t, &t->bells[0], WHEEL_LONGEST_MS);
    t->now += WHEEL_LONGEST_MS - 1;
    assert_null(ring(t));
    set(t, &t->bells[1], WHEEL_LONGEST_MS); /* behind one that is near */
    t->now += 8;
    assert_ptr_equal(ring(t), &t->bells[0]);
    t->now += WHEEL_LONGEST_MS - 8;
    assert_null(ring(t));
    t->now += 8;
    assert_ptr_equal(ring(t), &t->bells[1]);
}

/* A slot with many alarms is not moved in one go. */
static void test_a_turn_moves_only_so_many(void **state)
{
    enum { MANY = 10000 };
    struct tower *t = *state;
    struct alarm *alarms = calloc(MANY, sizeof *alarms);
    assert_non_null(alarms);
    for (unsigned i = 0; i < MANY; i++) {
        alarm_init(&alarms[i]);
        wheel_set(&t->wheel, &alarms[i], t->now, 1000 + i % 8);
    }
    unsigned turns = 0, rung = 0;
    t->now += wheel_wait_ms(&t->wheel, t->now); /* the slot begins: all move */
    assert_null(wheel_pop(&t->wheel, t->now));
    assert_int_equal(wheel_wait_ms(&t->wheel, t->now), 0);
    for (; wheel_wait_ms(&t->wheel, t->now) == 0; turns++)
        assert_null(wheel_pop(&t->wheel, t->now));
    assert_in_range(turns, 5, 100);
    t->now += 1000;
    while (wheel_pop(&t->wheel, t->now))
        rung++;
    assert_int_equal(rung, MANY);
    free(alarms);
}

static void test_is_small(void **state)
{
    (void)state;
    assert_in_range(sizeof(struct wheel), 0, 5 << 10);
    assert_int_equal(sizeof(struct alarm), 24);
}

#define WHEEL_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(test, open_tower, close_tower)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WHEEL_TEST(test_rings_as_a_sorted_list_would),
        WHEEL_TEST(test_every_length_rings_in_its_tick),
        WHEEL_TEST(test_an_alarm_that_is_set_again_rings_once),
        WHEEL_TEST(test_no_time_at_all_is_due_at_once),
        WHEEL_TEST(test_a_cancelled_alarm_wakes_nobody),
        WHEEL_TEST(test_a_wheel_that_stood_still_is_right),
        WHEEL_TEST(test_a_turn_moves_only_so_many),
        WHEEL_TEST(test_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
