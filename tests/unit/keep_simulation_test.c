/* SPDX-License-Identifier: MIT
 *
 * Durable queues by chance, on a store without files: messages of any size,
 * consumers that take what they like and leave with half a message, a store
 * that is slow, refuses, is full or fails, memory that is short, rules that
 * change; and a process that is killed at any moment and begins again with what
 * was on disk. In all of it:
 *
 *     kept         what was confirmed is delivered, in this life or a later one
 *     on disk      nothing is confirmed or done that is not on disk; the fake
 *                  store sees to the latter
 *     whole        what comes was published, with these bytes
 *     order        what is left at the end comes in the order it was published
 *     the end      all is done on disk, and no memory is left
 *
 * SLUICE_SEED=N repeats a run, SLUICE_STEPS=N makes it longer or shorter.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/queue_kept.h"
#include "tests/unit/chance.h"
#include "tests/unit/rig.h"
#include "tests/unit/store_fake.h"
#include "tests/unit/unit.h"

enum {
    QUEUES = 3,
    CONSUMERS = 5,
    MESSAGES = 20000, /* of one queue, in one world */
    LIVES = 8,        /* of one world */
    LARGE_BYTES = 200000,
    SHORT_BYTES = 2 << 20,
    DRAIN_ROUNDS = 100000,
#ifdef UNIT_HAS_ASAN
    STEPS = 20000,
#else
    STEPS = 60000,
#endif
};

static const char *const names[QUEUES] = {"/queue/a", "/queue/b", "/queue/c"};

struct said {
    uint64_t turn; /* of the core */
    bool is_durable, is_confirmed, is_delivered;
};

struct consumer {
    struct reader reader;
    uint32_t queue;
    size_t confirmed; /* bytes of what it took that its kernel has confirmed */
    size_t parsed;    /* and of these, that were looked at: whole messages */
    int64_t last;     /* message */
    bool is_open;
};

struct sim {
    struct rig rig;
    struct store_fake store;
    uint64_t chance;
    struct said said[QUEUES][MESSAGES];
    uint32_t count[QUEUES], looked[QUEUES]; /* for what is confirmed */
    struct consumer consumers[CONSUMERS];
    bool is_last; /* all is delivered, in order */
    uint32_t kills, failures, published, confirmed, delivered, twice;
};

static uint32_t chance(struct sim *sim, uint32_t n)
{
    return chance_of(&sim->chance, n);
}

static uint64_t on_unconfirmed(void *arg, struct subscriber *s)
{
    struct reader *r = LIST_OF(s, struct reader, sub);
    const struct consumer *c = LIST_OF(r, struct consumer, reader);
    (void)arg;
    return r->got_bytes - c->confirmed;
}

/* Messages. */

static uint32_t text_of(uint32_t queue, uint32_t i, char text[32])
{
    return (uint32_t)snprintf(text, 32, "%" PRIu32 " %" PRIu32 ".", queue, i);
}

static uint32_t size_of(uint32_t queue, uint32_t i)
{
    uint64_t state = (uint64_t)queue << 32 | i;
    uint32_t kind = chance_of(&state, 20);
    return 32 + chance_of(&state, kind == 0   ? LARGE_BYTES
                                  : kind == 1 ? LARGE_BYTES / 10
                                              : 100);
}

static void publish_one(struct sim *sim, uint32_t queue)
{
    char text[32];
    uint32_t i = sim->count[queue];
    if (i == MESSAGES)
        return;
    text_of(queue, i, text);
    rig_say_bytes(&sim->rig, names[queue], text, size_of(queue, i));
    const struct channel *ch = rig_find(&sim->rig, names[queue]);
    sim->said[queue][i] = (struct said){
        .turn = core_turn(&sim->rig.core),
        .is_durable = ch && queue_is_durable(ch),
    };
    sim->count[queue]++;
    sim->published++;
}

/* Whatever turn the core says is on disk. */
static void look_for_confirmed(struct sim *sim)
{
    uint64_t durable = core_durable_turn(&sim->rig.core);
    for (uint32_t q = 0; q < QUEUES; q++)
        for (; sim->looked[q] < sim->count[q]; sim->looked[q]++) {
            struct said *s = &sim->said[q][sim->looked[q]];
            if (s->turn > durable)
                break;
            s->is_confirmed = s->is_durable;
            sim->confirmed += s->is_durable;
        }
}

static void deliver_one(struct sim *sim, struct consumer *c,
                        const uint8_t *body, uint32_t n)
{
    char text[32];
    uint32_t queue = (uint32_t)atoi((const char *)body);
    uint32_t i = (uint32_t)atoi((const char *)body + 2);
    assert_int_equal(queue, c->queue);
    assert_true(i < sim->count[queue]);
    assert_int_equal(n, size_of(queue, i));
    uint32_t length = text_of(queue, i, text);
    assert_memory_equal(body, text, length);
    for (uint32_t at = length; at < n; at++)
        assert_int_equal(body[at], 0);
    struct said *s = &sim->said[queue][i];
    assert_true(!sim->is_last || (int64_t)i > c->last);
    c->last = i;
    sim->twice += s->is_delivered;
    sim->delivered++;
    s->is_delivered = true;
}

/* Delivered is what a kernel has confirmed as a whole. */
static void look_for_delivered(struct sim *sim, struct consumer *c)
{
    const struct reader *r = &c->reader;
    while (c->parsed + RIG_HEAD_BYTES <= c->confirmed) {
        const uint8_t *at = r->got + c->parsed;
        uint32_t n = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
        if (c->parsed + RIG_HEAD_BYTES + n > c->confirmed)
            break;
        deliver_one(sim, c, at + RIG_HEAD_BYTES, n);
        c->parsed += RIG_HEAD_BYTES + n;
    }
}

static void turn(struct sim *sim)
{
    rig_turn(&sim->rig);
    look_for_confirmed(sim);
}

/* Consumers. */

static void join(struct sim *sim, struct consumer *c, uint32_t queue,
                 uint64_t appetite)
{
    *c = (struct consumer){.queue = queue, .last = -1};
    c->is_open = reader_try(&sim->rig, &c->reader, names[queue], appetite);
    assert_true(c->is_open || core_store_has_failed(&sim->rig.core));
    turn(sim);
}

static void leave(struct sim *sim, struct consumer *c)
{
    if (!c->is_open)
        return;
    look_for_delivered(sim, c);
    reader_close(&sim->rig, &c->reader);
    c->is_open = false;
}

static void confirm(struct sim *sim, struct consumer *c, bool is_all)
{
    size_t left = c->reader.got_bytes - c->confirmed;
    if (!c->is_open)
        return;
    if (left > 0)
        c->confirmed += is_all ? left : 1 + chance(sim, (uint32_t)left);
    look_for_delivered(sim, c);
}

/* Lives. */

static void begin_life(struct sim *sim)
{
    rig_open(&sim->rig);
    sim->rig.rule.is_durable = true;
    sim->rig.rule.limit_bytes = 1 << 30;
    sim->rig.core.turn.config.prefetch_bytes = 10000;
    sim->rig.core.turn.owner.unconfirmed = on_unconfirmed;
    sim->store.room = sim->store.ack_room = UINT32_MAX;
    sim->store.state = sim->store.told = STORE_OPEN;
    sim->store.fails_at = 0;
    assert_true(core_open_store(&sim->rig.core, &store_fake_ops, &sim->store));
}

/* The process is killed: what is not on disk is lost. */
static void end_life(struct sim *sim)
{
    sim->store.room = sim->store.ack_room = 0;
    store_fake_close(&sim->store);
    core_reap(&sim->rig.core);
    for (int i = 0; i < CONSUMERS; i++)
        leave(sim, &sim->consumers[i]);
    core_purge(&sim->rig.core);
    sim->rig.budget.limit_bytes = 0;
    rig_close(&sim->rig);
    memcpy(sim->looked, sim->count, sizeof sim->looked);
    sim->kills++;
}

/* Steps. */

static struct consumer *any_consumer(struct sim *sim)
{
    return &sim->consumers[chance(sim, CONSUMERS)];
}

static void step_publish(struct sim *sim)
{
    uint32_t queue = chance(sim, QUEUES);
    for (uint32_t n = 1 + chance(sim, 6); n > 0; n--)
        publish_one(sim, queue);
}

static void step_disk(struct sim *sim)
{
    store_fake_do(&sim->store, 1 + chance(sim, 8));
    core_reap(&sim->rig.core);
    turn(sim);
}

static void step_join(struct sim *sim)
{
    struct consumer *c = any_consumer(sim);
    if (!c->is_open)
        join(sim, c, chance(sim, QUEUES), chance(sim, 100000));
}

static void step_leave(struct sim *sim)
{
    leave(sim, any_consumer(sim));
}

static void step_feed(struct sim *sim)
{
    struct consumer *c = any_consumer(sim);
    if (c->is_open)
        reader_feed(&sim->rig, &c->reader, 1 + chance(sim, 300000));
}

static void step_confirm(struct sim *sim)
{
    confirm(sim, any_consumer(sim), chance(sim, 2) == 0);
}

static void step_tick(struct sim *sim)
{
    rig_wait_ms(&sim->rig, CORE_TICK_MS);
    look_for_confirmed(sim);
}

static void step_room(struct sim *sim)
{
    bool is_narrow = chance(sim, 2) == 0;
    sim->store.room = is_narrow ? chance(sim, 4) : UINT32_MAX;
    sim->store.ack_room = is_narrow ? chance(sim, 4) : UINT32_MAX;
}

static void step_state(struct sim *sim)
{
    if (sim->store.state == STORE_FAILED)
        return;
    store_fake_set_state(&sim->store,
                         chance(sim, 3) == 0 ? STORE_FULL : STORE_OPEN);
    core_reap(&sim->rig.core);
    turn(sim);
}

static void step_memory(struct sim *sim)
{
    sim->rig.budget.limit_bytes = chance(sim, 2) == 0 ? SHORT_BYTES : 0;
}

static void step_rule(struct sim *sim)
{
    sim->rig.rule.is_durable = chance(sim, 3) > 0;
    struct core_config config = sim->rig.core.turn.config;
    core_configure(&sim->rig.core, &config);
    turn(sim);
}

static void step_fail(struct sim *sim)
{
    if (sim->store.fails_at > 0 || chance(sim, 20) > 0)
        return;
    sim->store.fails_at = sim->store.tickets + 1 + chance(sim, 5);
    sim->failures++;
}

static const struct {
    uint32_t weight;
    void (*step)(struct sim *sim);
} steps[] = {
    {300, step_publish}, {200, turn},       {200, step_disk},
    {50, step_join},     {20, step_leave},  {150, step_feed},
    {150, step_confirm}, {100, step_tick},  {20, step_room},
    {10, step_state},    {10, step_memory}, {5, step_rule},
    {5, step_fail},
};

/* Worlds. */

static bool is_drained(const struct sim *sim)
{
    return sim->store.messages == 0 &&
           rig_count(&sim->rig, COUNT_queued_messages) == 0;
}

/* One consumer for each queue takes all that is left. */
static void drain(struct sim *sim)
{
    begin_life(sim);
    sim->is_last = true;
    for (uint32_t q = 0; q < QUEUES; q++)
        join(sim, &sim->consumers[q], q, UINT64_MAX);
    assert_false(core_store_has_failed(&sim->rig.core));
    for (int i = 0; i < DRAIN_ROUNDS && !is_drained(sim); i++) {
        store_fake_do(&sim->store, UINT32_MAX);
        core_reap(&sim->rig.core);
        for (uint32_t q = 0; q < QUEUES; q++)
            confirm(sim, &sim->consumers[q], true);
        step_tick(sim);
    }
    assert_true(is_drained(sim));
    end_life(sim);
    sim->is_last = false;
}

static void check_kept(const struct sim *sim)
{
    for (uint32_t q = 0; q < QUEUES; q++)
        for (uint32_t i = 0; i < sim->count[q]; i++)
            if (sim->said[q][i].is_confirmed && !sim->said[q][i].is_delivered)
                fail_msg("message %" PRIu32 " of %s was confirmed and is lost",
                         i, names[q]);
}

/* Returns how many steps it took. */
static uint64_t play_world(struct sim *sim)
{
    uint64_t n = 0;
    struct rig rig;
    rig_open(&rig); /* for its message size */
    store_fake_init(&sim->store, rig.core.turn.config.message_size);
    rig_close(&rig);
    sim->store.is_lazy = true;
    memset(sim->count, 0, sizeof sim->count);
    memset(sim->looked, 0, sizeof sim->looked);
    for (int life = 0; life < LIVES; life++) {
        begin_life(sim);
        do {
            steps[CHANCE_ROW(&sim->chance, steps)].step(sim);
            n++;
        } while (chance(sim, 400) > 0);
        end_life(sim);
    }
    drain(sim);
    check_kept(sim);
    store_fake_fini(&sim->store);
    return n;
}

static bool has_seen_enough(const struct sim *sim)
{
    return sim->kills > 50 && sim->failures > 5 && sim->confirmed > 1000 &&
           sim->twice > 10;
}

/* Goes on beyond the steps, if need be, until enough has happened. */
static void simulate(uint64_t seed)
{
    uint64_t most = chance_setting("SLUICE_STEPS", STEPS), n = 0;
    bool is_short = most < STEPS; /* somebody looks for one step */
    struct sim *sim = calloc(1, sizeof *sim);
    sim->chance = seed;
    while (n < most || (n < 10 * most && !is_short && !has_seen_enough(sim)))
        n += play_world(sim);
    printf("%" PRIu64 " steps: %u kills, %u failures; %u published, %u "
           "confirmed, %u delivered, %u of them again, 0 lost\n",
           n, sim->kills, sim->failures, sim->published, sim->confirmed,
           sim->delivered, sim->twice);
    assert_true(is_short || has_seen_enough(sim));
    free(sim);
}

static void test_what_was_confirmed_is_kept(void **state)
{
    (void)state;
    simulate(20251122);
}

static void test_what_was_confirmed_is_kept_by_any_chance(void **state)
{
    (void)state;
    simulate(chance_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_confirmed_is_kept),
        cmocka_unit_test(test_what_was_confirmed_is_kept_by_any_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
