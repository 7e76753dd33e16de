/* SPDX-License-Identifier: MIT
 *
 * A hundred thousand messages that workers hold: what each costs in memory,
 * which is checked, and what it takes to acknowledge them in any order, to give
 * them back in any order, and to have them back from workers that die, which is
 * printed. Were one of these quadratic, it would not end in time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/core/queue_work.h"
#include "broker/core/worker.h"
#include "tests/unit/chance.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define QUEUE "/queue/held"

enum {
    WORKERS = 2,
#ifdef UNIT_HAS_ASAN
    MESSAGES = 10000,
#else
    MESSAGES = 100000,
#endif
    BODY_BYTES = 100,
    MESSAGE_BYTES = RIG_HEAD_BYTES + BODY_BYTES,
    /* Of the ledger, for each message that it keeps. */
    MOST_BYTES = 96,
};

struct hand {
    struct holder holder;
    struct worker worker;
    struct subscriber sub;
    uint64_t last; /* the number that came last */
};

struct fixture {
    struct rig rig; /* first: what the core calls is handed it */
    struct hand hands[WORKERS];
    struct hand *holder[MESSAGES + 1]; /* by number */
    uint64_t order[MESSAGES];          /* all numbers, by chance */
    uint64_t came;
    uint64_t empty_bytes; /* memory when nothing was published yet */
};

/* All is taken at once. */
static void on_flush(void *arg, struct subscriber *s)
{
    struct fixture *f = arg;
    struct hand *h = LIST_OF(s, struct hand, sub);
    while (!backlog_is_empty(s->outbox)) {
        struct slice *first = backlog_first(s->outbox);
        uint64_t number = first->first;
        assert_true(number > h->last);
        h->last = number;
        f->holder[number] = h;
        f->came++;
        queue_work_sent(s, number, 1);
        subscriber_sent(s, MESSAGE_BYTES);
        subscriber_count_sent(s);
    }
}

static void hire(struct fixture *f, struct hand *h)
{
    holder_init(&h->holder, h);
    worker_init(&h->worker, &h->holder, MESSAGES / WORKERS, 0);
    subscriber_init(&h->sub);
    h->sub.kind = SUBSCRIBER_LANE;
    h->sub.worker = &h->worker;
    h->last = 0;
    assert_true(core_subscribe(&f->rig.core, &h->sub, (const uint8_t *)QUEUE,
                               strlen(QUEUE)));
}

static void fire(struct hand *h)
{
    subscriber_leave(&h->sub);
    worker_fini(&h->worker);
}

static void shuffle(struct fixture *f)
{
    uint64_t random = 42;
    for (uint32_t i = 0; i < MESSAGES; i++)
        f->order[i] = i + 1;
    for (uint32_t i = MESSAGES; i-- > 1;) {
        uint32_t k = chance_of(&random, i + 1);
        uint64_t number = f->order[i];
        f->order[i] = f->order[k];
        f->order[k] = number;
    }
}

/* Everything is held. */
static int open_held(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    rig_open(&f->rig);
    f->rig.rule.limit_bytes = UINT64_MAX;
    f->rig.core.turn.owner.flush = on_flush;
    f->rig.core.turn.config.prefetch_bytes = 64 << 10;
    for (int i = 0; i < WORKERS; i++)
        hire(f, &f->hands[i]);
    rig_turn(&f->rig);
    f->empty_bytes = f->rig.budget.used_bytes;
    for (uint32_t i = 0; i < MESSAGES; i++) {
        rig_say_bytes(&f->rig, QUEUE, "job", BODY_BYTES);
        if (i % 512 == 511)
            rig_turn(&f->rig);
    }
    rig_turn(&f->rig);
    assert_int_equal(f->came, MESSAGES);
    shuffle(f);
    *state = f;
    return 0;
}

static int close_held(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < WORKERS; i++)
        if (f->hands[i].sub.channel)
            fire(&f->hands[i]);
    rig_close(&f->rig);
    free(f);
    return 0;
}

static struct channel *queue(struct fixture *f)
{
    return rig_find(&f->rig, QUEUE);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_each(const char *what, double since_s)
{
    printf("%s: %.3f us each\n", what, (now_s() - since_s) * 1e6 / MESSAGES);
}

static void test_a_held_message_costs_little_beside_its_bytes(void **state)
{
    struct fixture *f = *state;
    uint64_t bytes = f->rig.budget.used_bytes - f->empty_bytes;
    printf("%.1f bytes each, besides the message\n",
           (double)bytes / MESSAGES - MESSAGE_BYTES);
    assert_true(bytes <= (uint64_t)MESSAGES * (MESSAGE_BYTES + MOST_BYTES));
}

static void test_acknowledged_in_any_order(void **state)
{
    struct fixture *f = *state;
    double begin_s = now_s();
    for (uint32_t i = 0; i < MESSAGES; i++)
        assert_true(
            queue_work_ack(queue(f), f->holder[f->order[i]], f->order[i]));
    rig_turn(&f->rig);
    print_each("acknowledged in random order", begin_s);
    assert_int_equal(f->hands[0].worker.held + f->hands[1].worker.held, 0);
}

static void expect_all_again(struct fixture *f)
{
    f->came = f->hands[0].last = f->hands[1].last = 0;
    while (f->came < MESSAGES)
        rig_turn(&f->rig);
    assert_int_equal(f->came, MESSAGES);
    assert_int_equal(f->rig.counters.value[COUNT_redelivered], MESSAGES);
}

static void test_given_back_in_any_order(void **state)
{
    struct fixture *f = *state;
    double begin_s = now_s();
    for (uint32_t i = 0; i < MESSAGES; i++)
        assert_true(
            queue_work_nak(queue(f), f->holder[f->order[i]], f->order[i], 0));
    print_each("given back in random order", begin_s);
    begin_s = now_s();
    expect_all_again(f);
    print_each("handed out again", begin_s);
}

static void test_given_back_for_a_second(void **state)
{
    struct fixture *f = *state;
    double begin_s = now_s();
    for (uint32_t i = 0; i < MESSAGES; i++)
        assert_true(queue_work_nak(queue(f), f->holder[f->order[i]],
                                   f->order[i], 1000));
    print_each("given back with a delay", begin_s);
    rig_wait_ms(&f->rig, 500);
    begin_s = now_s();
    core_set_now(&f->rig.core, f->rig.core.turn.now + 600);
    f->came = f->hands[0].last = f->hands[1].last = 0;
    while (f->came < MESSAGES) {
        core_tick(&f->rig.core);
        rig_turn(&f->rig);
        core_set_now(&f->rig.core,
                     f->rig.core.turn.now + core_alarm_ms(&f->rig.core));
    }
    print_each("and handed out again", begin_s);
}

static void test_workers_die(void **state)
{
    struct fixture *f = *state;
    double begin_s = now_s();
    for (int i = 0; i < WORKERS; i++)
        fire(&f->hands[i]);
    print_each("returned by workers that die", begin_s);
    for (int i = 0; i < WORKERS; i++)
        hire(f, &f->hands[i]);
    begin_s = now_s();
    expect_all_again(f);
    print_each("handed out again", begin_s);
}

#define HELD_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, open_held, close_held)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HELD_TEST(test_a_held_message_costs_little_beside_its_bytes),
        HELD_TEST(test_acknowledged_in_any_order),
        HELD_TEST(test_given_back_in_any_order),
        HELD_TEST(test_given_back_for_a_second),
        HELD_TEST(test_workers_die),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
