/* SPDX-License-Identifier: MIT
 *
 * The core against a naive model, by chance: publishers that wait when
 * asked to, readers that take what they like and leave when they like, and
 * time that passes. After every turn the model and the core must agree:
 *
 *     order     messages of one publisher on one channel come in order
 *     topics    what was published since joining was received, is owed, or
 *               was dropped because the reader was slow; nothing was dropped
 *               for readers that never were
 *     queues    every message is delivered whole exactly once
 *     bounds    no outbox and no queue holds more than its limit and what
 *               each publisher brings in one read, nor do all together
 *     numbers   those of topics rise as published; see numbering.h
 *     the end   nothing waits, nothing is held, no memory is left
 *
 * SLUICE_SEED=N repeats a run, SLUICE_STEPS=N makes it longer or shorter.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/topic_policy.h"
#include "tests/unit/chance.h"
#include "tests/unit/numbering.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

enum {
    PUBLISHERS = 6,
    READERS = 10,
    TOPICS = 4,          /* channels, one for each policy, */
    CHANNELS = 6,        /* and the rest are queues */
    WINDOW = 1 << 14,    /* more messages than one publisher has under way */
    BODY_BYTES = 6,      /* publisher, channel, number */
    MESSAGE_MAX = 20000, /* some get a block of their own */
    READ_BYTES = 4000,
    BROUGHT_MAX = READ_BYTES + MESSAGE_MAX, /* in one read */
    LIMIT = 20000,                          /* of an outbox, and of a queue */
    MEMORY = 600000,      /* of all, in runs where it is short, */
    SHORT_LIMIT = 300000, /* and no other limit is reached */
    PREFETCH = 1000,
#ifdef UNIT_HAS_ASAN
    STEPS = 100000,
#else
    STEPS = 1000000,
#endif
};

static const char *const names[CHANNELS] = {"a",   "b",        "/sys/c",
                                            "cut", "/queue/d", "/queue/e"};

static const char *const names_of_policies[TOPICS] = {
    "wait", "drop-oldest", "drop-newest", "disconnect"};

struct sim_publisher {
    struct publisher pub;
    uint32_t numbers[CHANNELS]; /* of the next message */
    bool has_read;              /* in this turn */
};

struct sim_reader {
    struct subscriber sub;
    int channel;   /* -1 when in none */
    bool is_eager; /* takes all there is */
    bool is_retired;
    uint64_t since;            /* published before it joined */
    uint64_t until;            /* published before it retired */
    uint64_t received;         /* whole messages */
    uint32_t next[PUBLISHERS]; /* least number that may come */
    uint32_t missed;           /* numbers that did not come */
    uint8_t partial[MESSAGE_MAX];
    uint32_t partial_bytes;
};

struct sim {
    struct rig rig; /* first: what the core calls is handed it */
    struct rule rules[TOPICS + 1];
    uint64_t limit;
    uint64_t random;
    struct sim_publisher publishers[PUBLISHERS];
    struct sim_reader readers[READERS];
    uint64_t published[CHANNELS];
    struct numbering *numbering;
    uint64_t unheard; /* published to a topic that nobody was in */
    uint64_t delivered, dropped;
    /* Of queue messages: the number + 1 while it is owed. */
    uint32_t owed[PUBLISHERS][CHANNELS][WINDOW];
    uint64_t owed_count;
    /* Below these numbers, messages came back and lost their order. */
    uint32_t mixed[PUBLISHERS][CHANNELS];
};

static uint32_t chance(struct sim *sim, uint32_t n)
{
    return chance_of(&sim->random, n);
}

static bool is_queue(int channel)
{
    return channel >= TOPICS;
}

/* Publishing. */

static uint32_t message_bytes(struct sim *sim)
{
    uint32_t least = RIG_HEAD_BYTES + BODY_BYTES;
    if (chance(sim, 200) == 0)
        return least + chance(sim, MESSAGE_MAX - least);
    return least + chance(sim, 60);
}

static uint32_t write_message(struct sim *sim, uint8_t *out, int publisher,
                              int channel, uint32_t number)
{
    uint32_t size = message_bytes(sim), body = size - RIG_HEAD_BYTES;
    out[0] = (uint8_t)body;
    out[1] = (uint8_t)(body >> 8);
    out[2] = (uint8_t)(body >> 16);
    numbering_write(out + RIG_HEAD_BYTES, body, publisher, channel, number);
    return size;
}

static bool is_heard(const struct sim *sim, int channel)
{
    for (int i = 0; i < READERS; i++)
        if (sim->readers[i].channel == channel && !sim->readers[i].is_retired)
            return true;
    return false;
}

static void note_published(struct sim *sim, int publisher, int channel)
{
    uint32_t number = sim->publishers[publisher].numbers[channel]++;
    sim->published[channel]++;
    if (is_queue(channel) || is_heard(sim, channel))
        numbering_note(sim->numbering, channel, publisher, number);
    if (is_queue(channel)) {
        uint32_t *owed = &sim->owed[publisher][channel][number % WINDOW];
        assert_int_equal(*owed, 0);
        *owed = number + 1;
        sim->owed_count++;
    } else if (!is_heard(sim, channel)) {
        sim->unheard++;
    }
}

static struct channel *route(struct sim *sim, int channel)
{
    enum counter_id why;
    /* What clients publish to /sys goes nowhere; the broker itself may. */
    if (!is_queue(channel))
        return rig_find(&sim->rig, names[channel]);
    return core_route(&sim->rig.core, (const uint8_t *)names[channel],
                      (uint32_t)strlen(names[channel]), &why);
}

static enum publish_status publish_one(struct sim *sim, int publisher,
                                       int channel, uint32_t *brought)
{
    static uint8_t message[MESSAGE_MAX];
    struct channel *ch = route(sim, channel);
    uint32_t number = sim->publishers[publisher].numbers[channel];
    uint32_t size = write_message(sim, message, publisher, channel, number);
    *brought += size;
    note_published(sim, publisher, channel);
    if (ch)
        return channel_publish(ch, message, size);
    assert_false(is_queue(channel) || is_heard(sim, channel));
    counter_add(&sim->rig.counters, COUNT_dropped_no_subscriber, 1);
    return PUBLISH_OK;
}

/* As a session does with one read: all of it, then it waits if it has to. */
static void step_publish(struct sim *sim)
{
    int publisher = (int)chance(sim, PUBLISHERS);
    int channel = (int)chance(sim, CHANNELS);
    struct sim_publisher *p = &sim->publishers[publisher];
    struct channel *ch = route(sim, channel);
    if (publisher_is_waiting(&p->pub) || p->has_read)
        return;
    if (ch && channel_must_wait(ch)) {
        publisher_wait(&p->pub, ch, false);
        return;
    }
    uint32_t brought = 0;
    bool must_wait = false;
    for (uint32_t n = 1 + chance(sim, 40); n > 0 && brought < READ_BYTES; n--)
        if (publish_one(sim, publisher, channel, &brought) == PUBLISH_WAIT)
            must_wait = true;
    p->has_read = true;
    if (must_wait)
        publisher_wait(&p->pub, rig_find(&sim->rig, names[channel]), false);
}

/* Reading. */

static void note_topic_message(struct sim_reader *r, int publisher,
                               uint32_t number)
{
    assert_true(number >= r->next[publisher]);
    r->missed += number - r->next[publisher];
    r->next[publisher] = number + 1;
    assert_true(r->missed <= r->sub.dropped);
}

static void note_queue_message(struct sim *sim, struct sim_reader *r,
                               int publisher, uint32_t number)
{
    uint32_t *owed = &sim->owed[publisher][r->channel][number % WINDOW];
    assert_int_equal(*owed, number + 1);
    *owed = 0;
    sim->owed_count--;
    /* Messages returned to the head may come after those behind them. */
    if (number >= sim->mixed[publisher][r->channel])
        assert_true(number >= r->next[publisher]);
    if (number >= r->next[publisher])
        r->next[publisher] = number + 1;
}

static void note_message(struct sim *sim, struct sim_reader *r,
                         const uint8_t *message, uint32_t size)
{
    int publisher = message[3];
    uint32_t number;
    memcpy(&number, message + 5, sizeof number);
    assert_int_equal(message[4], r->channel);
    for (uint32_t i = 9; i < size; i++)
        assert_true(message[i] == (uint8_t)number);
    if (is_queue(r->channel))
        note_queue_message(sim, r, publisher, number);
    else
        note_topic_message(r, publisher, number);
    r->received++;
    sim->delivered++;
}

static void take_bytes(struct sim *sim, struct sim_reader *r,
                       const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        uint32_t have = r->partial_bytes, want = RIG_HEAD_BYTES;
        if (have >= RIG_HEAD_BYTES)
            want = sim->rig.core.turn.config.message_size(r->partial);
        assert_true(want <= MESSAGE_MAX);
        uint32_t part = n < want - have ? (uint32_t)n : want - have;
        memcpy(r->partial + have, bytes, part);
        r->partial_bytes += part;
        bytes += part;
        n -= part;
        if (r->partial_bytes == want && want > RIG_HEAD_BYTES) {
            note_message(sim, r, r->partial, want);
            r->partial_bytes = 0;
        }
    }
}

static void reader_takes(struct sim *sim, struct sim_reader *r, uint64_t most)
{
    while (most > 0 && !backlog_is_empty(r->sub.outbox)) {
        struct iovec iov[3];
        size_t bytes;
        int n = backlog_iov(r->sub.outbox, iov, 3, &bytes);
        size_t take = bytes < most ? bytes : (size_t)most, left = take;
        for (int i = 0; i < n && left > 0; i++) {
            size_t part = iov[i].iov_len < left ? iov[i].iov_len : left;
            take_bytes(sim, r, iov[i].iov_base, part);
            left -= part;
        }
        subscriber_sent(&r->sub, take);
        most -= take;
    }
}

static void step_take(struct sim *sim)
{
    struct sim_reader *r = &sim->readers[chance(sim, READERS)];
    if (r->channel >= 0)
        reader_takes(sim, r, chance(sim, chance(sim, 4) ? 200 : 30000));
}

/* Coming and going. */

static void reader_joins(struct sim *sim, struct sim_reader *r, int channel)
{
    r->channel = channel;
    r->is_eager = chance(sim, 2);
    r->is_retired = false;
    r->since = sim->published[channel];
    r->received = r->missed = r->partial_bytes = 0;
    for (int i = 0; i < PUBLISHERS; i++)
        r->next[i] =
            is_queue(channel) ? 0 : sim->publishers[i].numbers[channel];
    subscriber_init(&r->sub);
    assert_true(core_subscribe(&sim->rig.core, &r->sub,
                               (const uint8_t *)names[channel],
                               (uint32_t)strlen(names[channel])));
}

static void check_topic_reader(const struct sim *sim, struct sim_reader *r)
{
    subscriber_count_sent(&r->sub);
    uint64_t until = r->is_retired ? r->until : sim->published[r->channel];
    uint64_t owed = r->sub.outbox->messages;
    assert_int_equal(until - r->since, r->received + owed + r->sub.dropped);
}

static void reader_leaves(struct sim *sim, struct sim_reader *r)
{
    uint64_t returned = rig_count(&sim->rig, COUNT_returned);
    subscriber_leave(&r->sub);
    sim->dropped += r->sub.dropped;
    if (rig_count(&sim->rig, COUNT_returned) != returned)
        for (int i = 0; i < PUBLISHERS; i++)
            sim->mixed[i][r->channel] = sim->publishers[i].numbers[r->channel];
    r->channel = -1;
}

static void step_come_or_go(struct sim *sim)
{
    struct sim_reader *r = &sim->readers[chance(sim, READERS)];
    if (r->channel < 0)
        reader_joins(sim, r, (int)chance(sim, CHANNELS));
    else
        reader_leaves(sim, r);
}

static void step_retire(struct sim *sim)
{
    struct sim_reader *r = &sim->readers[chance(sim, READERS)];
    if (r->channel < 0 || r->is_retired)
        return;
    subscriber_retire(&r->sub);
    r->is_retired = true;
    r->until = sim->published[r->channel];
}

static void step_change_mood(struct sim *sim)
{
    struct sim_reader *r = &sim->readers[chance(sim, READERS)];
    r->is_eager = !r->is_eager;
}

static void step_forget(struct sim *sim)
{
    publisher_forget(&sim->publishers[chance(sim, PUBLISHERS)].pub);
}

/* Turns. */

static void check_reader(const struct sim *sim, struct sim_reader *r)
{
    uint64_t brought = PUBLISHERS * BROUGHT_MAX;
    if (r->channel < 0)
        return;
    if (is_queue(r->channel)) {
        assert_true(r->sub.outbox->bytes <= PREFETCH + MESSAGE_MAX);
        return;
    }
    assert_true(r->sub.outbox->bytes <= sim->limit + brought);
    check_topic_reader(sim, r);
}

static void check_numbers(struct sim *sim)
{
    struct numbering *n = sim->numbering;
    for (int i = 0; i < CHANNELS; i++)
        numbering_check(n, i, rig_find(&sim->rig, names[i]));
    numbering_check_floor(n, sim->rig.core.turn.floor);
    const struct sim_reader *r = &sim->readers[chance(sim, READERS)];
    if (r->channel >= 0 && !is_queue(r->channel) && chance(sim, 20) == 0)
        numbering_check_backlog(n, r->channel, r->sub.outbox,
                                sim->rig.core.turn.config.message_size,
                                RIG_HEAD_BYTES);
}

static void check_turn(struct sim *sim)
{
    const struct rig *rig = &sim->rig;
    check_numbers(sim);
    for (int i = 0; i < READERS; i++)
        check_reader(sim, &sim->readers[i]);
    assert_int_equal(rig_count(rig, COUNT_dropped_no_subscriber), sim->unheard);
    assert_true(rig_count(rig, COUNT_queued_messages) <= sim->owed_count);
    if (rig->budget.limit_bytes > 0)
        assert_true(rig->budget.used_bytes <=
                    rig->budget.limit_bytes + PUBLISHERS * BROUGHT_MAX);
    assert_true(rig_count(rig, COUNT_queued_bytes) <=
                (CHANNELS - TOPICS) * (sim->limit + PUBLISHERS * BROUGHT_MAX) +
                    READERS * (PREFETCH + MESSAGE_MAX));
}

static void on_flush(void *arg, struct subscriber *s)
{
    struct sim_reader *r = LIST_OF(s, struct sim_reader, sub);
    reader_takes(arg, r, r->is_eager ? UINT64_MAX : chance(arg, 50));
    subscriber_flushed(s);
}

static void on_doomed(void *arg, struct subscriber *s)
{
    reader_leaves(arg, LIST_OF(s, struct sim_reader, sub));
}

static void on_resume(void *arg, struct publisher *p)
{
    (void)arg;
    assert_false(publisher_is_waiting(p));
}

static void step_turn(struct sim *sim)
{
    core_end_turn(&sim->rig.core);
    for (int i = 0; i < PUBLISHERS; i++)
        sim->publishers[i].has_read = false;
    check_turn(sim);
}

static void step_time(struct sim *sim)
{
    uint32_t ms = chance(sim, 20) ? chance(sim, 40) : chance(sim, 3000);
    core_set_now(&sim->rig.core, sim->rig.core.turn.now + ms);
    core_tick(&sim->rig.core);
}

static const struct {
    void (*take)(struct sim *sim);
    uint32_t weight;
} steps[] = {
    {step_publish, 500}, {step_take, 250},       {step_turn, 150},
    {step_time, 60},     {step_come_or_go, 15},  {step_retire, 3},
    {step_forget, 10},   {step_change_mood, 12},
};

static void step(struct sim *sim)
{
    steps[CHANCE_ROW(&sim->random, steps)].take(sim);
}

/* The run. */

static void sim_make_rules(struct sim *sim)
{
    sim->rig.rule.client_limit_bytes = sim->rig.rule.limit_bytes = sim->limit;
    for (int i = 0; i <= TOPICS; i++)
        sim->rules[i] = sim->rig.rule;
    for (int i = 0; i < TOPICS; i++) {
        sim->rules[i].pattern = pattern_plain(names[i]);
        sim->rules[i].policy = topic_policy_find(names_of_policies[i]);
    }
    sim->rig.core.turn.config.rules = sim->rules;
    sim->rig.core.turn.config.rule_count = TOPICS + 1;
}

static void sim_open(struct sim *sim, uint64_t seed, bool is_short)
{
    rig_open(&sim->rig);
    sim->limit = is_short ? SHORT_LIMIT : LIMIT;
    if (is_short)
        sim->rig.budget.limit_bytes = MEMORY;
    sim_make_rules(sim);
    sim->rig.core.turn.owner.flush = on_flush;
    sim->rig.core.turn.owner.close = on_doomed;
    sim->rig.core.turn.owner.resume = on_resume;
    sim->rig.core.turn.config.prefetch_bytes = PREFETCH;
    sim->rig.core.turn.config.turn_bytes = READ_BYTES;
    sim->random = seed;
    sim->numbering = numbering_new(CHANNELS);
    for (int i = 0; i < PUBLISHERS; i++)
        publisher_init(&sim->publishers[i].pub);
    for (int i = 0; i < READERS; i++) {
        subscriber_init(&sim->readers[i].sub);
        sim->readers[i].channel = -1;
    }
}

/* All readers take everything: then nothing may be delayed. */
static void sim_drain(struct sim *sim)
{
    for (int i = 0; i < READERS; i++) {
        struct sim_reader *r = &sim->readers[i];
        if (r->channel >= 0 && r->is_retired)
            reader_leaves(sim, r);
        if (r->channel < 0)
            reader_joins(sim, r, i % CHANNELS);
        r->is_eager = true;
    }
    for (int i = TOPICS; i < CHANNELS; i++) {
        reader_leaves(sim, &sim->readers[i]);
        reader_joins(sim, &sim->readers[i], i);
        sim->readers[i].is_eager = true;
    }
    for (int i = 0; i < READERS; i++)
        reader_takes(sim, &sim->readers[i], UINT64_MAX);
    int turns = 0;
    do
        step_turn(sim);
    while (core_has_work(&sim->rig.core) && ++turns < 10000);
    for (int i = 0; i < PUBLISHERS; i++)
        assert_false(publisher_is_waiting(&sim->publishers[i].pub));
}

static void sim_close(struct sim *sim)
{
    struct rig *rig = &sim->rig;
    assert_int_equal(sim->owed_count, 0);
    for (int i = 0; i < READERS; i++) {
        assert_true(backlog_is_empty(sim->readers[i].sub.outbox));
        reader_leaves(sim, &sim->readers[i]);
    }
    assert_int_equal(rig_count(rig, COUNT_messages_out), sim->delivered);
    assert_int_equal(rig_count(rig, COUNT_dropped_slow) +
                         rig_count(rig, COUNT_dropped_newest) +
                         rig_count(rig, COUNT_dropped_oldest) +
                         rig_count(rig, COUNT_dropped_memory),
                     sim->dropped);
    assert_int_equal(rig_count(rig, COUNT_dropped_no_memory), 0);
    rig_close(rig);
}

/* A run that never came across these would prove nothing. By chance a short
 * one may not; the known ones do. */
static void check_eventful(const struct sim *sim, bool is_short)
{
    if (is_short) {
        assert_true(sim->rig.pressed > 0);
        return;
    }
    assert_true(sim->delivered > 0 && sim->dropped > 0 && sim->unheard > 0);
    assert_true(rig_count(&sim->rig, COUNT_returned) > 0);
    assert_true(rig_count(&sim->rig, COUNT_dropped_gone) > 0);
    assert_true(sim->rig.slow > 0 && sim->rig.recovered > 0);
}

static void simulate(uint64_t seed, bool is_short, bool is_known)
{
    uint64_t n = chance_setting("SLUICE_STEPS", STEPS);
    struct sim *sim = calloc(1, sizeof *sim);
    sim_open(sim, seed, is_short);
    for (uint64_t i = 0; i < n; i++)
        step(sim);
    sim_drain(sim);
    sim_close(sim);
    if (n >= STEPS && is_known)
        check_eventful(sim, is_short);
    printf("%" PRIu64 " steps: %" PRIu64 " delivered, %" PRIu64
           " dropped, %" PRIu64 " returned\n",
           n, sim->delivered, sim->dropped,
           rig_count(&sim->rig, COUNT_returned));
    numbering_free(sim->numbering);
    free(sim);
}

static void test_core_agrees_with_the_model(void **state)
{
    (void)state;
    simulate(20250131, false, true);
}

static void test_core_agrees_when_memory_is_short(void **state)
{
    (void)state;
    simulate(20250131, true, true);
}

static void test_core_agrees_with_the_model_by_any_chance(void **state)
{
    (void)state;
    uint64_t seed = chance_seed();
    simulate(seed, false, false);
    simulate(seed, true, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_core_agrees_with_the_model),
        cmocka_unit_test(test_core_agrees_when_memory_is_short),
        cmocka_unit_test(test_core_agrees_with_the_model_by_any_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
