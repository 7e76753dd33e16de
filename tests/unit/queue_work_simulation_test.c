/* SPDX-License-Identifier: MIT
 *
 * Queues with workers against a naive model, by chance: workers and plain
 * consumers that come and go, take what they like, and acknowledge, give back,
 * keep or touch what they were given. At every moment:
 *
 *     one owner    a message waits, or is held by one worker, or was taken by
 *                  one plain consumer, or is acknowledged: once
 *     credit       no worker holds more than it has credit for
 *     time         what a worker keeps is another's when its time is over, and
 *                  not before; what was given back does not come before its
 *                  delay
 *     order        what is handed out has a lower number than all that waits
 *     try          a message was handed over completely as often as it says
 *     the end      everything is acknowledged or taken, no memory is left
 *
 * SLUICE_SEED=N repeats a run, SLUICE_STEPS=N makes it longer or shorter.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/held.h"
#include "broker/core/queue_held.h"
#include "broker/core/queue_work.h"
#include "broker/core/settling.h"
#include "broker/core/worker.h"
#include "tests/unit/chance.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define QUEUE "/queue/w"

enum {
    CONSUMERS = 6,
    BODY_BYTES = 1 + sizeof(uint32_t),
    MESSAGES = 1 << 16, /* more than are ever under way */
    LIMIT = 20000,
    PREFETCH = 1000,
    WAIT_MS = 500,
    SIZE_MAX_BYTES = 3000,
#ifdef UNIT_HAS_ASAN
    STEPS = 100000,
#else
    STEPS = 500000,
#endif
};

enum fate { WAITS, GIVEN, DONE };

struct message {
    enum fate fate;
    uint64_t number;   /* in the queue, once it is known */
    clock_ms not_till; /* when it was given back */
    bool is_delayed;
    uint32_t tries;
};

struct consumer {
    struct holder holder;
    struct worker worker;
    struct subscriber sub;
    bool is_here, is_worker;
    uint32_t credit;
    uint32_t got[256];   /* messages that it has got completely, and held, */
    clock_ms began[256]; /* and when its time for them began; */
    bool is_lost[256];   /* it was over */
    uint32_t got_count;
    uint64_t sent;       /* number of the first that was sent, */
    uint32_t sent_count; /* and how many, which is not reported yet */
    uint64_t last;       /* number that a plain one took */
    uint8_t partial[SIZE_MAX_BYTES + 100];
    uint32_t partial_bytes;
};

struct sim {
    struct rig rig; /* first: what the core calls is handed it */
    uint64_t random;
    struct consumer consumers[CONSUMERS];
    uint32_t published, done, acked, expired, redelivered;
    struct message messages[MESSAGES];
    bool is_alone; /* nobody takes anything but one plain consumer */
};

static uint32_t chance(struct sim *sim, uint32_t n)
{
    return chance_of(&sim->random, n);
}

static struct channel *queue(struct sim *sim)
{
    return rig_find(&sim->rig, QUEUE);
}

static struct message *message_of(struct sim *sim, uint32_t id)
{
    return &sim->messages[id % MESSAGES];
}

static void step_publish(struct sim *sim)
{
    enum counter_id why;
    uint8_t out[SIZE_MAX_BYTES + 100];
    struct channel *ch =
        core_route(&sim->rig.core, (const uint8_t *)QUEUE, strlen(QUEUE), &why);
    assert_non_null(ch);
    if (channel_must_wait(ch) || sim->published - sim->done >= MESSAGES / 2)
        return;
    uint32_t id = sim->published++;
    uint32_t body = BODY_BYTES + chance(sim, chance(sim, 20) ? 60 : 2900);
    out[0] = (uint8_t)body;
    out[1] = (uint8_t)(body >> 8);
    out[2] = 0;
    out[3] = 'm';
    memcpy(out + 4, &id, sizeof id);
    memset(out + 8, (int)(id & 0xff), body - BODY_BYTES);
    assert_int_not_equal(channel_publish(ch, out, RIG_HEAD_BYTES + body),
                         PUBLISH_NO_MEMORY);
    *message_of(sim, id) =
        (struct message){.fate = WAITS, .number = ch->number + ch->pending};
}

static struct held *held_of(struct sim *sim, uint64_t number)
{
    struct channel *ch = queue(sim);
    struct held *h = ch ? queue_find_held(ch, number) : NULL;
    return h && h->state == HELD_OUT ? h : NULL;
}

static bool holds(struct sim *sim, const struct consumer *c, uint64_t number)
{
    const struct held *h = held_of(sim, number);
    return h && h->lane == &c->sub;
}

static void report_sent(struct consumer *c)
{
    if (c->sent_count > 0)
        queue_work_sent(&c->sub, c->sent, c->sent_count);
    c->sent_count = 0;
}

/* What follows one another is reported at once. */
static void sent_message(struct consumer *c, uint64_t number)
{
    if (number != c->sent + c->sent_count)
        report_sent(c);
    if (c->sent_count++ == 0)
        c->sent = number;
}

static void got_message(struct sim *sim, struct consumer *c)
{
    uint32_t id, size = sim->rig.core.turn.config.message_size(c->partial);
    memcpy(&id, c->partial + 4, sizeof id);
    for (uint32_t i = 8; i < size; i++)
        assert_true(c->partial[i] == (uint8_t)id);
    struct message *m = message_of(sim, id);
    if (!c->is_worker) {
        assert_int_equal(m->fate, WAITS);
        assert_true(!sim->is_alone || m->number > c->last);
        c->last = m->number;
        m->fate = DONE;
        sim->done++;
        return;
    }
    sent_message(c, m->number);
    if (m->tries++ > 0)
        sim->redelivered++;
    assert_true(c->got_count < 256);
    c->is_lost[c->got_count] = false;
    c->began[c->got_count] = sim->rig.core.turn.now;
    c->got[c->got_count++] = id;
}

static void take(struct sim *sim, struct consumer *c, uint64_t most)
{
    while (most > 0 && !backlog_is_empty(c->sub.outbox)) {
        struct iovec iov;
        size_t bytes;
        assert_int_equal(backlog_iov(c->sub.outbox, &iov, 1, &bytes), 1);
        uint32_t have = c->partial_bytes, want = RIG_HEAD_BYTES;
        if (have >= RIG_HEAD_BYTES)
            want = sim->rig.core.turn.config.message_size(c->partial);
        size_t n = want - have;
        n = n < bytes ? n : bytes;
        n = n < most ? n : (size_t)most;
        memcpy(c->partial + have, iov.iov_base, n);
        c->partial_bytes += (uint32_t)n;
        most -= n;
        subscriber_sent(&c->sub, n);
        if (c->partial_bytes == want && want > RIG_HEAD_BYTES) {
            c->partial_bytes = 0;
            got_message(sim, c);
        }
    }
    report_sent(c);
}

static void on_flush(void *arg, struct subscriber *s)
{
    struct consumer *c = LIST_OF(s, struct consumer, sub);
    take(arg, c, chance(arg, 3) ? UINT64_MAX : chance(arg, 100));
    subscriber_flushed(s);
}

static void step_take(struct sim *sim)
{
    struct consumer *c = &sim->consumers[chance(sim, CONSUMERS)];
    if (c->is_here)
        take(sim, c, chance(sim, 2000));
}

static void join(struct sim *sim, struct consumer *c, bool is_worker)
{
    c->is_here = true;
    c->is_worker = is_worker;
    c->got_count = c->partial_bytes = c->sent_count = 0;
    c->credit = 1 + chance(sim, 20);
    subscriber_init(&c->sub);
    holder_init(&c->holder, c);
    worker_init(&c->worker, &c->holder, c->credit,
                chance(sim, 2) ? WAIT_MS : 0);
    c->sub.kind = SUBSCRIBER_LANE; /* which is shown numbers */
    if (is_worker)
        c->sub.worker = &c->worker;
    assert_true(core_subscribe(&sim->rig.core, &c->sub, (const uint8_t *)QUEUE,
                               strlen(QUEUE)));
}

static void leave(struct consumer *c)
{
    subscriber_leave(&c->sub);
    worker_fini(&c->worker);
    assert_int_equal(c->holder.held, 0);
    c->is_here = false;
}

static void step_come_or_go(struct sim *sim)
{
    struct consumer *c = &sim->consumers[chance(sim, CONSUMERS)];
    if (c->is_here)
        leave(c);
    else
        join(sim, c, chance(sim, 4) > 0);
}

static void forget_got(struct consumer *c, uint32_t i)
{
    c->got[i] = c->got[--c->got_count];
    c->began[i] = c->began[c->got_count];
    c->is_lost[i] = c->is_lost[c->got_count];
}

/* Where it has what it got by this number, and holds; `got_count`: it does
 * not. */
static uint32_t find_got(struct sim *sim, const struct consumer *c,
                         uint64_t number)
{
    for (uint32_t i = 0; i < c->got_count; i++)
        if (!c->is_lost[i] && message_of(sim, c->got[i])->number == number &&
            holds(sim, c, number))
            return i;
    return c->got_count;
}

/* As far as it holds what follows; the rest is refused. */
static void act_run(struct sim *sim, struct consumer *c, uint64_t number)
{
    uint32_t count = 1 + chance(sim, 30), expected = 0, i;
    uint32_t ids[30];
    while (expected < count &&
           (i = find_got(sim, c, number + expected)) < c->got_count) {
        ids[expected++] = c->got[i];
        forget_got(c, i);
    }
    assert_int_equal(queue_work_ack_run(queue(sim), c, number, count),
                     expected);
    for (i = 0; i < expected; i++)
        message_of(sim, ids[i])->fate = DONE;
    sim->done += expected;
    sim->acked += expected;
}

static void act(struct sim *sim, struct consumer *c, uint32_t what)
{
    struct channel *ch = queue(sim);
    uint32_t i = chance(sim, c->got_count), id = c->got[i];
    struct message *m = message_of(sim, id);
    bool is_mine = !c->is_lost[i] && holds(sim, c, m->number);
    if (what == 0) {
        if (!is_mine)
            return;
        assert_true(queue_work_touch(ch, c, m->number));
        c->began[i] = sim->rig.core.turn.now;
        return;
    }
    if (what == 1 && is_mine) {
        act_run(sim, c, m->number);
        return;
    }
    forget_got(c, i);
    if (!is_mine) {
        sim->expired++; /* its time was over */
        return;
    }
    if (what < 6) {
        assert_int_equal(m->fate, WAITS);
        m->fate = DONE;
        assert_false(queue_work_ack(ch, sim, m->number));
        assert_true(queue_work_ack(ch, c, m->number));
        assert_false(queue_work_ack(ch, c, m->number));
        sim->done++;
        sim->acked++;
        return;
    }
    uint32_t delay_ms = chance(sim, 2) ? chance(sim, 2000) : 0;
    m->not_till = sim->rig.core.turn.now + delay_ms;
    m->is_delayed = delay_ms > 0;
    assert_true(queue_work_nak(ch, c, m->number, delay_ms));
}

static void step_act(struct sim *sim)
{
    struct consumer *c = &sim->consumers[chance(sim, CONSUMERS)];
    if (c->is_here && c->got_count > 0)
        act(sim, c, chance(sim, 8));
}

static void step_credit(struct sim *sim)
{
    struct consumer *c = &sim->consumers[chance(sim, CONSUMERS)];
    if (!c->is_here || !c->is_worker)
        return;
    c->credit = chance(sim, 20);
    queue_work_set_credit(&c->worker, c->credit);
}

/* As if memory were short. */
static void step_settle(struct sim *sim)
{
    const struct channel *ch = queue(sim);
    if (ch && channel_ledger(ch))
        settling_press(channel_ledger(ch));
}

/* Turns. */

static bool has_got(const struct consumer *c, uint32_t id)
{
    for (uint32_t i = 0; i < c->got_count; i++)
        if (c->got[i] == id && !c->is_lost[i])
            return true;
    return false;
}

/* What it got and does not hold any more it held for too long. */
static void check_lost(struct sim *sim, struct consumer *c)
{
    for (uint32_t i = 0; i < c->got_count; i++) {
        const struct message *m = message_of(sim, c->got[i]);
        if (c->is_lost[i] || holds(sim, c, m->number))
            continue;
        c->is_lost[i] = true;
        assert_true(c->worker.wait_ms > 0);
        assert_true(clock_elapsed_ms(sim->rig.core.turn.now, c->began[i]) >=
                    WAIT_MS);
    }
}

static void check_message(struct sim *sim, const struct consumer *c,
                          const struct held *h, uint64_t number,
                          const uint8_t *bytes)
{
    uint32_t id;
    memcpy(&id, bytes + 4, sizeof id);
    const struct message *m = message_of(sim, id);
    assert_int_equal(m->number, number);
    assert_int_equal(m->fate, WAITS);
    assert_ptr_equal(held_of(sim, number), h);
    assert_int_equal(h->slice.tries + has_got(c, id), m->tries);
    if (m->is_delayed)
        assert_true((int32_t)(sim->rig.core.turn.now - m->not_till) >= 0);
}

/* Returns how many they are. */
static uint32_t check_held(struct sim *sim, const struct consumer *c,
                           const struct list *list)
{
    uint32_t held = 0;
    LIST_EACH (link, list) {
        const struct held *h = LIST_OF(link, struct held, link);
        const uint8_t *bytes = slice_bytes(&h->slice);
        assert_true(h->slice.messages <= held_most(h->slice.first));
        for (uint32_t i = 0; i < h->slice.messages; i++) {
            check_message(sim, c, h, h->slice.first + i, bytes);
            bytes += sim->rig.core.turn.config.message_size(bytes);
        }
        assert_ptr_equal(bytes, slice_bytes(&h->slice) + h->slice.length);
        held += h->slice.messages;
    }
    return held;
}

static void check_consumer(struct sim *sim, struct consumer *c, bool is_ticked)
{
    clock_ms now = sim->rig.core.turn.now;
    check_lost(sim, c);
    uint32_t held = check_held(sim, c, &c->worker.holds) +
                    check_held(sim, c, &c->worker.clocked);
    for (uint32_t i = 0; i < c->got_count; i++)
        if (is_ticked && c->worker.wait_ms > 0 && !c->is_lost[i])
            assert_true(clock_elapsed_ms(now, c->began[i]) <=
                        WAIT_MS + 2 * WHEEL_TICK_MS);
    assert_int_equal(held, c->worker.held);
}

static void check_turn(struct sim *sim, bool is_ticked)
{
    for (int i = 0; i < CONSUMERS; i++)
        if (sim->consumers[i].is_here && sim->consumers[i].is_worker)
            check_consumer(sim, &sim->consumers[i], is_ticked);
}

/* Nobody is given more than its credit, unless that was lowered since. */
static void step_turn(struct sim *sim)
{
    uint32_t most[CONSUMERS];
    for (int i = 0; i < CONSUMERS; i++) {
        const struct worker *w = &sim->consumers[i].worker;
        most[i] = w->credit > w->held ? w->credit : w->held;
    }
    core_end_turn(&sim->rig.core);
    for (int i = 0; i < CONSUMERS; i++)
        assert_true(sim->consumers[i].worker.held <= most[i]);
    check_turn(sim, false);
}

static void step_time(struct sim *sim)
{
    uint32_t ms = chance(sim, 10) ? chance(sim, 30) : chance(sim, 900);
    core_set_now(&sim->rig.core, sim->rig.core.turn.now + ms);
    core_tick(&sim->rig.core);
    check_turn(sim, true);
    core_end_turn(&sim->rig.core);
}

static const struct {
    void (*take)(struct sim *sim);
    uint32_t weight;
} steps[] = {
    {step_publish, 300}, {step_take, 100}, {step_turn, 150},
    {step_time, 40},     {step_act, 350},  {step_come_or_go, 6},
    {step_credit, 20},   {step_settle, 5},
};

static void step(struct sim *sim)
{
    steps[CHANCE_ROW(&sim->random, steps)].take(sim);
}

static void sim_open(struct sim *sim, uint64_t seed)
{
    rig_open(&sim->rig);
    sim->random = seed;
    sim->rig.rule.limit_bytes = LIMIT;
    sim->rig.core.turn.owner.flush = on_flush;
    sim->rig.core.turn.config.prefetch_bytes = PREFETCH;
    for (int i = 0; i < CONSUMERS; i++) {
        holder_init(&sim->consumers[i].holder, NULL);
        worker_init(&sim->consumers[i].worker, &sim->consumers[i].holder, 0, 0);
        subscriber_init(&sim->consumers[i].sub);
    }
}

/* All leave, nothing is delayed any more, and one plain consumer takes the
 * rest, in order. */
static void clear(struct sim *sim)
{
    struct consumer *c = &sim->consumers[0];
    for (int i = 0; i < CONSUMERS; i++)
        if (sim->consumers[i].is_here)
            leave(&sim->consumers[i]);
    for (int i = 0; i < 30; i++) {
        core_set_now(&sim->rig.core, sim->rig.core.turn.now + 100);
        core_tick(&sim->rig.core);
        core_end_turn(&sim->rig.core);
    }
    sim->is_alone = true;
    join(sim, c, false);
    c->last = 0;
    do {
        core_end_turn(&sim->rig.core);
        take(sim, c, UINT64_MAX);
    } while (core_has_work(&sim->rig.core));
    assert_int_equal(sim->done, sim->published);
    leave(c);
    core_end_turn(&sim->rig.core);
    assert_null(queue(sim));
    sim->is_alone = false;
}

static void sim_close(struct sim *sim)
{
    clear(sim);
    rig_close(&sim->rig);
}

static void simulate(uint64_t seed, bool is_known)
{
    uint64_t n = chance_setting("SLUICE_STEPS", STEPS);
    struct sim *sim = calloc(1, sizeof *sim);
    sim_open(sim, seed);
    for (uint64_t i = 0; i < n; i++) {
        step(sim);
        if (chance(sim, 10000) == 0)
            clear(sim);
    }
    sim_close(sim);
    printf("%" PRIu64 " steps: %u published, %u acknowledged, %u expired, "
           "%u redelivered\n",
           n, sim->published, sim->acked, sim->expired, sim->redelivered);
    if (n >= STEPS && is_known)
        assert_true(sim->acked > 1000 && sim->expired > 100 &&
                    sim->redelivered > 100);
    free(sim);
}

static void test_queues_agree_with_the_model(void **state)
{
    (void)state;
    simulate(20250131, true);
}

static void test_queues_agree_with_the_model_by_any_chance(void **state)
{
    (void)state;
    simulate(chance_seed(), false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queues_agree_with_the_model),
        cmocka_unit_test(test_queues_agree_with_the_model_by_any_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
