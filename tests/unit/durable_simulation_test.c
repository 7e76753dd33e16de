/* SPDX-License-Identifier: MIT
 *
 * Publishers that ask for receipts from the disk and workers that acknowledge,
 * in version 2, by chance: on a store that is slow, refuses, is full or fails,
 * in a broker that is killed at any moment and begins again with what was on
 * disk. Messages are known by their numbers.
 *
 *     kept       what was confirmed is delivered until it is acknowledged, in
 *                this life or a later one
 *     once       a number is confirmed once; what was acknowledged does not
 *                come again before the broker is killed
 *     order      until the first worker leaves, each gets what comes by rising
 *                numbers; the one that takes all that is left, too
 *     the end    all is done on disk, and no memory is left
 *
 * SLUICE_SEED=N repeats a run, SLUICE_STEPS=N makes it longer or shorter.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/core.h"
#include "tests/unit/chance.h"
#include "tests/unit/store_fake.h"
#include "tests/unit/unit.h"
#include "tests/unit/unit_rig.h"

#define QUEUE "/queue/q"

enum {
    MESSAGES = 40000, /* of one world, at most */
    LIVES = 6,        /* of one world */
    WIRES = VIRTUAL_WIRES - 2,
    HELD = 64, /* more than any credit */
    PUBLISHERS = 2,
    WORKERS = 4,
    MANY = 1 << 20,
    UNREAD = 100 << 10, /* bytes: then a publisher sends no more */
    DRAIN_ROUNDS = 20000,
#ifdef UNIT_HAS_ASAN
    STEPS = 10000,
#else
    STEPS = 60000,
#endif
};

struct message {
    bool is_confirmed, is_acknowledged; /* ever */
    bool is_delivered;                  /* ever */
    bool is_done_now;                   /* acknowledged in this life */
};

struct worker {
    int wire; /* -1: there is none */
    uint64_t held[HELD];
    uint32_t count;
    uint64_t last; /* number that it got */
};

struct sim {
    struct unit_rig *rig;
    struct store_fake store;
    uint64_t chance;
    struct message messages[MESSAGES]; /* by number */
    int publishers[PUBLISHERS];        /* wires; -1: there is none */
    struct worker workers[WORKERS];
    uint32_t wires; /* of this life */
    bool has_left;  /* a worker, in this life */
    uint64_t rid, highest;
    uint32_t lives, confirmed, refused, delivered, again, done;
};

static uint32_t chance(struct sim *sim, uint32_t n)
{
    return chance_of(&sim->chance, n);
}

static struct core *core_of(struct sim *sim)
{
    return &sim->rig->house.core;
}

static struct message *message_of(struct sim *sim, uint64_t number)
{
    assert_in_range(number, 1, MESSAGES - 1);
    return &sim->messages[number];
}

/* What is heard. */

static uint64_t number_in(const char *head, const char *option)
{
    const char *at = strstr(head, option);
    return at ? strtoull(at + strlen(option), NULL, 10) : 0;
}

static void hear_receipt(struct sim *sim, const char *head)
{
    uint64_t number = number_in(head, " seq=");
    struct message *m = message_of(sim, number);
    assert_non_null(strstr(head, " sync=1"));
    assert_false(m->is_confirmed);
    m->is_confirmed = true;
    sim->highest = number > sim->highest ? number : sim->highest;
    sim->confirmed++;
}

static void hear_message(struct sim *sim, struct worker *w, const char *head)
{
    uint64_t number = number_in(head, "MSG " QUEUE " ");
    struct message *m = message_of(sim, number);
    assert_false(m->is_done_now);
    assert_true(number > w->last || sim->has_left);
    w->last = number;
    sim->delivered++;
    sim->again += m->is_delivered;
    m->is_delivered = true;
    assert_true(w->count < HELD);
    w->held[w->count++] = number;
}

/* Every head ends with "|"; "$" is the end of the connection. */
static bool hear(struct sim *sim, int wire, struct worker *w)
{
    const char *heard = unit_rig_heard(sim->rig, wire);
    char head[512];
    for (const char *end; (end = strchr(heard, '|')) != NULL; heard = end + 1) {
        (void)snprintf(head, sizeof head, "%.*s", (int)(end - heard), heard);
        if (strncmp(head, "OK ", 3) == 0 && !w)
            hear_receipt(sim, head);
        else if (strncmp(head, "ERR ", 4) == 0)
            sim->refused++;
        else if (strncmp(head, "MSG ", 4) == 0)
            hear_message(sim, w, head);
    }
    return *heard != '$';
}

static void hear_all(struct sim *sim)
{
    for (int i = 0; i < PUBLISHERS; i++)
        if (sim->publishers[i] >= 0 && !hear(sim, sim->publishers[i], NULL))
            sim->publishers[i] = -1;
    for (int i = 0; i < WORKERS; i++) {
        struct worker *w = &sim->workers[i];
        if (w->wire >= 0 && !hear(sim, w->wire, w))
            w->wire = -1;
    }
}

/* Lives. */

static void begin_life(struct sim *sim)
{
    void *rig;
    assert_int_equal(unit_rig_open(&rig), 0);
    sim->rig = rig;
    for (size_t i = 0; i < HOUSE_RULES; i++) {
        sim->rig->house.rules[i].is_durable = true;
        sim->rig->house.rules[i].limit_bytes = MANY;
    }
    assert_true(core_open_store(core_of(sim), &store_fake_ops, &sim->store));
    for (int i = 0; i < PUBLISHERS; i++)
        sim->publishers[i] = -1;
    for (int i = 0; i < WORKERS; i++)
        sim->workers[i].wire = -1;
    for (int i = 0; i < MESSAGES; i++)
        sim->messages[i].is_done_now = false;
    sim->has_left = false;
    sim->wires = 0;
    sim->lives++;
}

/* A kill. What has been sent until then arrives. */
static void end_life(struct sim *sim)
{
    void *rig = sim->rig;
    hear_all(sim);
    store_fake_close(&sim->store);
    core_reap(core_of(sim));
    assert_int_equal(unit_rig_close(&rig), 0);
    sim->store.state = sim->store.told = STORE_OPEN;
    sim->store.room = sim->store.ack_room = UINT32_MAX;
    sim->store.space = (struct store_room){UINT64_MAX, UINT64_MAX};
}

/* Steps. */

static void turn(struct sim *sim)
{
    unit_rig_turns(sim->rig, 1);
    hear_all(sim);
}

/* A broker that does not confirm any more, or a wire that is used up, is of no
 * use: the life ends soon. */
static int new_client(struct sim *sim)
{
    if (sim->wires == WIRES)
        return -1;
    sim->wires++;
    return unit_rig_client(sim->rig, "", MANY);
}

static void step_publish(struct sim *sim)
{
    int *wire = &sim->publishers[chance(sim, PUBLISHERS)];
    uint32_t count = 1 + chance(sim, 12), bytes = chance(sim, 3000);
    char head[80];
    if (*wire < 0)
        *wire = new_client(sim);
    if (*wire < 0 || sim->highest + 2000 > MESSAGES ||
        virtual_unread(*wire) > UNREAD)
        return;
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(head, sizeof head,
                       "PUB " QUEUE " confirm=sync rid=%" PRIu64, ++sim->rid);
        unit_rig_put(sim->rig, *wire, head, bytes);
    }
    turn(sim);
}

static void join(struct sim *sim, struct worker *w, uint32_t credit)
{
    char head[80];
    w->wire = new_client(sim);
    w->count = 0;
    w->last = 0;
    if (w->wire < 0)
        return;
    (void)snprintf(head, sizeof head, "SUB " QUEUE " ack=yes credit=%" PRIu32,
                   credit);
    unit_rig_say(sim->rig, w->wire, head, 0);
}

static void step_join(struct sim *sim)
{
    struct worker *w = &sim->workers[chance(sim, WORKERS)];
    if (w->wire >= 0)
        return;
    join(sim, w, 1 + chance(sim, HELD - 1));
    if (w->wire >= 0 && chance(sim, 2))
        sim->rig->appetite[w->wire] = 1 + chance(sim, 5000);
    hear_all(sim);
}

static void step_leave(struct sim *sim)
{
    struct worker *w = &sim->workers[chance(sim, WORKERS)];
    if (w->wire < 0)
        return;
    virtual_end(w->wire, chance(sim, 2) ? VIRTUAL_RESET : VIRTUAL_CLOSED);
    sim->has_left = true;
    turn(sim);
    w->wire = -1;
}

/* The first that it holds, or any. */
static void acknowledge(struct sim *sim, struct worker *w, uint32_t at)
{
    char head[80];
    uint64_t number = w->held[at];
    struct message *m = message_of(sim, number);
    memmove(&w->held[at], &w->held[at + 1],
            (--w->count - at) * sizeof *w->held);
    (void)snprintf(head, sizeof head, "ACK " QUEUE " %" PRIu64, number);
    unit_rig_put(sim->rig, w->wire, head, 0);
    turn(sim);
    if (w->wire < 0)
        return;
    m->is_acknowledged = m->is_done_now = true;
    sim->done++;
}

static void step_acknowledge(struct sim *sim)
{
    struct worker *w = &sim->workers[chance(sim, WORKERS)];
    for (uint32_t n = chance(sim, 8); n > 0 && w->wire >= 0 && w->count > 0;
         n--)
        acknowledge(sim, w, chance(sim, 3) ? 0 : chance(sim, w->count));
}

static void step_disk(struct sim *sim)
{
    store_fake_do(&sim->store, chance(sim, 3) ? 1 + chance(sim, 4) : MANY);
    core_reap(core_of(sim));
    turn(sim);
}

static void step_pass(struct sim *sim)
{
    unit_rig_pass(sim->rig, 1 + chance(sim, 40));
    hear_all(sim);
}

static void step_room(struct sim *sim)
{
    bool is_short = chance(sim, 2);
    sim->store.room = is_short ? chance(sim, 5) : UINT32_MAX;
    sim->store.ack_room = is_short ? chance(sim, 5) : UINT32_MAX;
    sim->store.space.bytes = is_short ? chance(sim, 10000) : UINT64_MAX;
    core_reap(core_of(sim));
    turn(sim);
}

static void step_full(struct sim *sim)
{
    if (sim->store.state != STORE_FAILED)
        store_fake_set_state(&sim->store,
                             chance(sim, 2) ? STORE_FULL : STORE_OPEN);
    core_reap(core_of(sim));
    turn(sim);
}

static void step_fail(struct sim *sim)
{
    if (chance(sim, 40) == 0)
        store_fake_set_state(&sim->store, STORE_FAILED);
    core_reap(core_of(sim));
    turn(sim);
}

static const struct {
    uint32_t weight;
    void (*step)(struct sim *sim);
} steps[] = {
    {300, step_publish},     {60, step_join},  {20, step_leave},
    {300, step_acknowledge}, {300, step_disk}, {100, step_pass},
    {20, step_room},         {20, step_full},  {2, step_fail},
};

/* Worlds. */

/* One worker takes all that is left. */
static void drain(struct sim *sim)
{
    struct worker *w = &sim->workers[0];
    begin_life(sim);
    join(sim, w, HELD - 1);
    for (int i = 0; i < DRAIN_ROUNDS && sim->store.messages > 0; i++) {
        store_fake_do(&sim->store, UINT32_MAX);
        core_reap(core_of(sim));
        unit_rig_pass(sim->rig, 25);
        hear_all(sim);
        while (w->count > 0)
            acknowledge(sim, w, 0);
    }
    assert_int_equal(sim->store.messages, 0);
    end_life(sim);
}

static void check_kept(const struct sim *sim)
{
    for (uint64_t n = 1; n < MESSAGES; n++)
        if (sim->messages[n].is_confirmed && !sim->messages[n].is_acknowledged)
            fail_msg("number %" PRIu64 " was confirmed and is lost", n);
}

/* Returns how many steps it took. */
static uint64_t play_world(struct sim *sim)
{
    uint64_t n = 0;
    void *rig;
    assert_int_equal(unit_rig_open(&rig), 0); /* for its message size */
    store_fake_init(
        &sim->store,
        ((struct unit_rig *)rig)->house.core.turn.config.message_size);
    assert_int_equal(unit_rig_close(&rig), 0);
    sim->store.is_lazy = true;
    memset(sim->messages, 0, sizeof sim->messages);
    sim->highest = 0;
    for (int life = 0; life < LIVES; life++) {
        begin_life(sim);
        do {
            steps[CHANCE_ROW(&sim->chance, steps)].step(sim);
            n++;
        } while (chance(sim, 300) > 0);
        end_life(sim);
    }
    drain(sim);
    check_kept(sim);
    store_fake_fini(&sim->store);
    return n;
}

static bool has_seen_enough(const struct sim *sim)
{
    return sim->lives > 20 && sim->confirmed > 1000 && sim->refused > 50 &&
           sim->again > 100;
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
    printf("%" PRIu64 " steps: %u lives; %u confirmed, %u refused, %u "
           "delivered, %u of them again, %u acknowledged, 0 lost\n",
           n, sim->lives, sim->confirmed, sim->refused, sim->delivered,
           sim->again, sim->done);
    assert_true(is_short || has_seen_enough(sim));
    free(sim);
}

static void test_what_was_confirmed_comes_until_it_is_acknowledged(void **state)
{
    (void)state;
    simulate(20261122);
}

static void test_the_same_by_any_chance(void **state)
{
    (void)state;
    simulate(chance_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_what_was_confirmed_comes_until_it_is_acknowledged),
        cmocka_unit_test(test_the_same_by_any_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
