/* SPDX-License-Identifier: MIT
 *
 * Workers with lanes in several queues, by chance: they come and go, and
 * acknowledge, give back and ask for more or less. Whenever nothing is left to
 * do, no queue has a message for a worker that may hold one more, and none
 * holds more than it may.
 *
 * SLUICE_SEED=N repeats a run, SLUICE_STEPS=N makes it longer or shorter.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/held.h"
#include "broker/core/queue_work.h"
#include "broker/core/worker.h"
#include "tests/unit/chance.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

enum {
    QUEUES = 4,
    WORKERS = 5,
    CREDIT_MAX = 4,
    WAITING_MAX = 100, /* in one queue, or what waits would only grow */
#ifdef UNIT_HAS_ASAN
    STEPS = 20000,
#else
    STEPS = 100000,
#endif
};

static const char *const names[QUEUES] = {"/queue/a", "/queue/b", "/queue/c",
                                          "/queue/d"};

struct hand {
    struct holder holder;
    struct worker worker;
    struct subscriber lanes[QUEUES];
};

struct sim {
    struct rig rig; /* first: what the core calls is handed it */
    uint64_t random;
    struct hand hands[WORKERS];
    struct subscriber plain; /* a consumer that takes all, if it is there */
    uint64_t acked, given_back;
};

static uint32_t chance(struct sim *sim, uint32_t n)
{
    return chance_of(&sim->random, n);
}

/* All is taken at once. */
static void on_flush(void *arg, struct subscriber *s)
{
    const struct sim *sim = arg;
    while (!backlog_is_empty(s->outbox)) {
        const struct slice *first = backlog_first(s->outbox);
        uint32_t n = sim->rig.core.turn.config.message_size(slice_bytes(first));
        if (s->worker)
            queue_work_sent(s, first->first, 1);
        subscriber_sent(s, n);
        subscriber_count_sent(s);
    }
}

static struct subscriber *any_lane(struct sim *sim)
{
    struct hand *h = &sim->hands[chance(sim, WORKERS)];
    return &h->lanes[chance(sim, QUEUES)];
}

static void join(struct sim *sim, struct subscriber *s, struct worker *w,
                 uint32_t queue)
{
    subscriber_init(s);
    s->kind = SUBSCRIBER_LANE;
    s->worker = w;
    assert_true(core_subscribe(&sim->rig.core, s, (const uint8_t *)names[queue],
                               (uint32_t)strlen(names[queue])));
}

static void step_publish(struct sim *sim)
{
    const char *name = names[chance(sim, QUEUES)];
    const struct channel *ch = rig_find(&sim->rig, name);
    if (!ch || channel_depth(ch).messages < WAITING_MAX)
        rig_say(&sim->rig, name, "job");
}

static void step_come_or_go(struct sim *sim)
{
    struct hand *h = &sim->hands[chance(sim, WORKERS)];
    uint32_t queue = chance(sim, QUEUES);
    struct subscriber *lane = &h->lanes[queue];
    if (lane->channel)
        subscriber_leave(lane);
    else
        join(sim, lane, &h->worker, queue);
}

static void step_plain(struct sim *sim)
{
    if (sim->plain.channel)
        subscriber_leave(&sim->plain);
    else
        join(sim, &sim->plain, NULL, chance(sim, QUEUES));
}

/* One that the lane holds; NULL when there is none. */
static struct held *any_held(struct sim *sim, const struct subscriber *lane)
{
    uint32_t n = chance(sim, CREDIT_MAX);
    struct held *found = NULL;
    LIST_EACH (link, &lane->worker->holds) {
        struct held *h = LIST_OF(link, struct held, link);
        if (h->lane == lane)
            found = h;
        if (found && n-- == 0)
            break;
    }
    return found;
}

static void step_act(struct sim *sim)
{
    struct subscriber *lane = any_lane(sim);
    const struct held *h = lane->channel ? any_held(sim, lane) : NULL;
    if (!h)
        return;
    const void *owner = lane->worker->holder->owner;
    if (chance(sim, 4) > 0) {
        assert_true(queue_work_ack(lane->channel, owner, h->slice.first));
        sim->acked++;
    } else {
        assert_true(queue_work_nak(lane->channel, owner, h->slice.first, 0));
        sim->given_back++;
    }
}

static void step_credit(struct sim *sim)
{
    struct hand *h = &sim->hands[chance(sim, WORKERS)];
    queue_work_set_credit(&h->worker, chance(sim, CREDIT_MAX + 1));
}

static void check(struct sim *sim)
{
    for (int i = 0; i < WORKERS; i++) {
        const struct hand *h = &sim->hands[i];
        assert_true(h->worker.held <= CREDIT_MAX);
        for (int q = 0; q < QUEUES; q++) {
            const struct channel *ch = h->lanes[q].channel;
            if (ch && channel_depth(ch).messages > 0)
                assert_false(worker_has_credit(&h->worker));
        }
    }
    if (sim->plain.channel)
        assert_int_equal(channel_depth(sim->plain.channel).messages, 0);
}

static void step_turns(struct sim *sim)
{
    do
        core_end_turn(&sim->rig.core);
    while (core_has_work(&sim->rig.core));
    check(sim);
}

static const struct {
    void (*take)(struct sim *sim);
    uint32_t weight;
} steps[] = {
    {step_publish, 100}, {step_come_or_go, 10}, {step_plain, 4},
    {step_act, 100},     {step_credit, 10},     {step_turns, 40},
};

static void simulate(uint64_t seed)
{
    uint64_t n = chance_setting("SLUICE_STEPS", STEPS);
    struct sim *sim = calloc(1, sizeof *sim);
    rig_open(&sim->rig);
    sim->random = seed;
    sim->rig.rule.limit_bytes = UINT64_MAX;
    sim->rig.core.turn.owner.flush = on_flush;
    subscriber_init(&sim->plain);
    for (int i = 0; i < WORKERS; i++) {
        struct hand *h = &sim->hands[i];
        holder_init(&h->holder, h);
        worker_init(&h->worker, &h->holder, 1, 0);
        for (int q = 0; q < QUEUES; q++)
            subscriber_init(&h->lanes[q]);
    }
    for (uint64_t i = 0; i < n; i++)
        steps[CHANCE_ROW(&sim->random, steps)].take(sim);
    subscriber_leave(&sim->plain);
    for (int i = 0; i < WORKERS; i++) {
        for (int q = 0; q < QUEUES; q++)
            subscriber_leave(&sim->hands[i].lanes[q]);
        worker_fini(&sim->hands[i].worker);
    }
    rig_close(&sim->rig);
    printf("%" PRIu64 " steps: %" PRIu64 " acknowledged, %" PRIu64
           " given back\n",
           n, sim->acked, sim->given_back);
    assert_true(sim->acked >= n / 100 && sim->given_back >= n / 100);
    free(sim);
}

static void test_no_worker_with_credit_stays_hungry(void **state)
{
    (void)state;
    simulate(chance_setting("SLUICE_SEED", 20250131));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_worker_with_credit_stays_hungry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
