/* SPDX-License-Identifier: MIT */
#include "broker/store/scribe.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "broker/base/clock.h"

enum {
    ACK_US = 20 * 1000,       /* acknowledgements wait for company so long */
    FULL_US = 1000 * 1000,    /* a full disk is looked at again so often */
    NO_MEMORY_US = 10 * 1000, /* and an order for which there was no memory */
    REAPED = 64,              /* puts that are handed over at once */
};

int scribe_flush(void *folder, int file)
{
    struct store *s = folder;
    uint64_t begin = clock_now_us();
    atomic_store(&s->flush_began_us, begin);
    int error = disk_posix_calls(&s->folder).ops->flush(folder, file);
    uint64_t us = clock_now_us() - begin;
    atomic_store(&s->flush_began_us, 0);
    recent_add(&s->flushes, clock_now_ms(), us);
    return error;
}

void scribe_exchange(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->stats =
        (struct store_stats){.engine = engine_stats(s->engine),
                             .flush_p50_us = recent_within_us(&s->flushes, 50),
                             .flush_p99_us = recent_within_us(&s->flushes, 99),
                             .group_waits = s->group.waits};
    engine_set_limits(s->engine, s->limit_bytes, s->free_bytes);
    pthread_mutex_unlock(&s->lock);
}

void scribe_say_room(struct store *s)
{
    struct store_room room = engine_room(s->engine);
    atomic_store(&s->room_bytes, room.bytes);
    atomic_store(&s->room_most, room.most);
}

/* There is room in the ring: no more is owed. */
static void say(struct store *s, const struct store_done *done)
{
    bool has_room = mailbox_push(&s->done, done);
    assert(has_room);
    s->has_news = true;
}

/* Wakes the loop, once for all that was said. */
static void ring_news(struct store *s)
{
    if (s->has_news)
        bell_ring(&s->news);
    s->has_news = false;
}

static bool take_order(struct store *s, const struct order *o)
{
    bool is_taken = engine_take(s->engine, o);
    if (is_taken && o->kind == ORDER_PUT)
        s->waiting += o->put.slice.messages;
    if (o->kind == ORDER_READ)
        say(s, &(struct store_done){.kind = STORE_DONE_READ, .read = o->read});
    return is_taken;
}

/* Takes all orders, but only one read between two batches: it may wait for the
 * disk. False: there is no memory for the next one. */
static bool take_orders(struct store *s)
{
    const struct order *o;
    bool was_read = false;
    while (!was_read && (o = mailbox_peek(&s->orders)) != NULL) {
        if (!take_order(s, o))
            return false;
        was_read = o->kind == ORDER_READ;
        mailbox_pop(&s->orders);
    }
    return true;
}

/* The room is published first: with what the loop has seen done it is never
 * too large. The state is published last: the loop has seen all that was done
 * before. */
static void say_what_is_done(struct store *s)
{
    struct store_put puts[REAPED];
    int n;
    scribe_say_room(s);
    while ((n = engine_reap(s->engine, puts, REAPED)) > 0)
        for (int i = 0; i < n; i++) {
            s->waiting -= puts[i].slice.messages;
            say(s,
                &(struct store_done){.kind = STORE_DONE_PUT, .put = puts[i]});
        }
    scribe_exchange(s);
    atomic_store(&s->state, engine_state(s->engine));
    s->has_news = true;
    ring_news(s);
}

/* Microseconds until there is to be a step; BELL_ENDLESS: not before there is
 * work. */
static uint64_t wait_us(struct store *s, bool is_stopping)
{
    uint64_t now_us = clock_now_us();
    uint64_t group_us = group_wait_us(&s->group, now_us, s->waiting);
    enum engine_need need = engine_need(s->engine);
    if (need != s->need) {
        s->need = need;
        s->since_us = now_us;
    }
    if (is_stopping && (need == ENGINE_NOW || need == ENGINE_LATER))
        return 0;
    if (need == ENGINE_NOW)
        return group_us;
    if (need == ENGINE_NOTHING && s->state != STORE_FULL)
        return BELL_ENDLESS;
    uint64_t pause_us = need == ENGINE_LATER ? ACK_US : FULL_US;
    uint64_t elapsed_us = now_us - s->since_us;
    return elapsed_us < pause_us ? pause_us - elapsed_us : 0;
}

/* Whether a batch was written. */
static bool step(struct store *s)
{
    uint64_t batches = engine_stats(s->engine).batches, waiting = s->waiting;
    uint64_t begin_us = clock_now_us();
    (void)engine_step(s->engine, clock_wall_ms());
    s->need = ENGINE_NOTHING;
    s->since_us = clock_now_us();
    say_what_is_done(s);
    group_written(&s->group, s->since_us, s->since_us - begin_us,
                  waiting - s->waiting);
    return engine_stats(s->engine).batches > batches;
}

/* One turn; false when it is to stop and has. */
static bool scribe_turn(struct store *s)
{
    bool is_stopping = atomic_load(&s->is_stopping);
    bool has_memory = take_orders(s);
    uint64_t wait = wait_us(s, is_stopping);
    /* Without space a stop does not wait for what cannot be written. */
    if (wait == 0)
        return step(s) || !is_stopping || s->state == STORE_OPEN;
    ring_news(s);
    if (has_memory && mailbox_peek(&s->orders))
        return true;
    if (is_stopping)
        return false;
    bell_arm(&s->work);
    if ((has_memory && mailbox_peek(&s->orders)) ||
        atomic_load(&s->is_stopping))
        bell_quiet(&s->work);
    else
        bell_wait(&s->work, has_memory ? wait : NO_MEMORY_US);
    return true;
}

static void *scribe_run(void *arg)
{
    struct store *s = arg;
    const struct order *o;
    /* It may have been opened without space. */
    say_what_is_done(s);
    while (scribe_turn(s))
        continue;
    /* What there was no memory for is lost, as in a kill, and is not written
     * about. Reads are answered, puts given back. */
    if (!mailbox_peek(&s->orders))
        (void)engine_finish(s->engine, clock_wall_ms());
    for (; (o = mailbox_peek(&s->orders)) != NULL; mailbox_pop(&s->orders))
        if (!take_order(s, o) && o->kind == ORDER_OPEN)
            free(o->name);
    scribe_exchange(s);
    atomic_store(&s->has_stopped, true);
    bell_ring(&s->news);
    return NULL;
}

/* Signals are for the loop. */
bool scribe_start(struct store *s)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&s->thread, NULL, scribe_run, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error == 0;
}
