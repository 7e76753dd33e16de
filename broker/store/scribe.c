/* SPDX-License-Identifier: MIT */
#include "broker/store/scribe.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ACK_MS = 20,       /* acknowledgements wait for company so long */
    FULL_MS = 1000,    /* a full disk is looked at again so often */
    REAPED = 64,       /* puts that are handed over at once */
    ROOM_WAIT_MS = 10, /* the loop takes what is done at the end of its turn */
};

/* Microseconds of flushes, by powers of two. The folder is the scribe's first
 * member. */
static int timed_flush(void *folder, int file)
{
    struct scribe *s = folder;
    uint64_t begin = clock_now_us();
    atomic_store_explicit(&s->flush_began_us, begin, memory_order_relaxed);
    int error = disk_posix_calls(&s->folder).ops->flush(folder, file);
    uint64_t us = clock_now_us() - begin;
    atomic_store_explicit(&s->flush_began_us, 0, memory_order_relaxed);
    unsigned i = 0;
    while (i + 1 < SCRIBE_TIMES && us >> i > 0)
        i++;
    atomic_fetch_add_explicit(&s->times[i], 1, memory_order_relaxed);
    return error;
}

uint64_t scribe_flushing_us(const struct scribe *s)
{
    uint64_t began =
        atomic_load_explicit(&s->flush_began_us, memory_order_relaxed);
    return began ? clock_now_us() - began : 0;
}

uint64_t scribe_flush_us(const struct scribe *s, unsigned share)
{
    uint64_t counts[SCRIBE_TIMES], all = 0, below = 0;
    for (unsigned i = 0; i < SCRIBE_TIMES; i++)
        all += counts[i] =
            atomic_load_explicit(&s->times[i], memory_order_relaxed);
    for (unsigned i = 0; i < SCRIBE_TIMES && all > 0; i++)
        if ((below += counts[i]) * 100 >= all * share)
            return (uint64_t)1 << i;
    return 0;
}

static uint64_t wall_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void stats_publish(struct scribe *s)
{
    struct engine_stats stats = engine_stats(s->engine);
    uint64_t words[SCRIBE_STATS];
    memcpy(words, &stats, sizeof words);
    for (size_t i = 0; i < SCRIBE_STATS; i++)
        atomic_store_explicit(&s->stats[i], words[i], memory_order_relaxed);
}

struct engine_stats scribe_stats(const struct scribe *s)
{
    struct engine_stats stats;
    uint64_t words[SCRIBE_STATS];
    for (size_t i = 0; i < SCRIBE_STATS; i++)
        words[i] = atomic_load_explicit(&s->stats[i], memory_order_relaxed);
    memcpy(&stats, words, sizeof stats);
    return stats;
}

bool scribe_open(struct scribe *s, const char *folder,
                 struct engine_setup *setup, struct engine_report *report)
{
    *report = (struct engine_report){0};
    report->error = disk_posix_open(&s->folder, folder);
    if (report->error)
        return false;
    s->calls = *disk_posix_calls(&s->folder).ops;
    s->calls.flush = timed_flush;
    if (!setup->disk.ops)
        setup->disk = (struct disk){&s->calls, &s->folder};
    atomic_init(&s->limit_bytes, setup->limit_bytes);
    atomic_init(&s->free_bytes, setup->free_bytes);
    if (engine_open(&s->engine, setup, wall_now_ms(), report)) {
        disk_posix_close(&s->folder);
        return false;
    }
    stats_publish(s);
    return true;
}

void scribe_close(struct scribe *s)
{
    engine_abandon(s->engine);
    disk_posix_close(&s->folder);
}

/* Says that something is done. The ring is as large as that of puts, so it is
 * full only while the loop is busy; a loop that ends reaps until the end. */
static void say(struct scribe *s, const struct store_done *done)
{
    while (!mailbox_push(&s->done, done)) {
        atomic_store(&s->needs_room, true);
        bell_ring(&s->news);
        bell_arm(&s->work);
        bell_wait(&s->work, ROOM_WAIT_MS);
    }
}

/* One command of the ring of puts; false when the engine has no room. */
static bool put_one(struct engine *e, const struct scribe_put *one)
{
    switch (one->kind) {
    case SCRIBE_PUT:
        return engine_put(e, &one->put);
    case SCRIBE_OPEN:
        if (!engine_open_channel(e, one->channel, one->name, one->name_length,
                                 one->first))
            return false;
        free(one->name);
        return true;
    case SCRIBE_DROP:
        engine_drop_channel(e, one->channel);
        return true;
    }
    return true;
}

static void take_puts(struct scribe *s)
{
    const struct scribe_put *one;
    while ((one = mailbox_peek(&s->puts)) != NULL && put_one(s->engine, one))
        mailbox_pop(&s->puts);
}

static bool ask_one(struct scribe *s, const struct scribe_ask *one)
{
    switch (one->kind) {
    case SCRIBE_ACK:
        return engine_ack(s->engine, one->channel, one->first, one->count);
    case SCRIBE_TRIM:
        return engine_trim(s->engine, one->channel, one->first);
    case SCRIBE_READ:
        engine_read(s->engine, one->read);
        say(s,
            &(struct store_done){.kind = STORE_DONE_READ, .read = one->read});
        return true;
    }
    return true;
}

/* One read between two batches: it may wait for the disk. */
static void take_asks(struct scribe *s)
{
    const struct scribe_ask *one;
    bool was_read = false;
    while (!was_read && (one = mailbox_peek(&s->asks)) != NULL) {
        was_read = one->kind == SCRIBE_READ;
        if (!ask_one(s, one) && !atomic_load(&s->is_stopping))
            return; /* without memory it is tried again */
        mailbox_pop(&s->asks);
    }
}

static void say_what_is_done(struct scribe *s, enum store_state state)
{
    struct store_put puts[REAPED];
    int n;
    while ((n = engine_reap(s->engine, puts, REAPED)) > 0)
        for (int i = 0; i < n; i++)
            say(s,
                &(struct store_done){.kind = STORE_DONE_PUT, .put = puts[i]});
    if (state != s->state)
        say(s, &(struct store_done){.kind = STORE_DONE_STATE, .state = state});
    s->state = state;
    stats_publish(s);
    bell_ring(&s->news);
}

/* Milliseconds until there is to be a step; -1: not before there is work. */
static int wait_ms(struct scribe *s, bool is_stopping)
{
    enum engine_need need = engine_need(s->engine);
    uint32_t elapsed = clock_elapsed_ms(clock_now_ms(), s->stepped_at);
    int pause = need == ENGINE_LATER ? ACK_MS : FULL_MS;
    if (need == ENGINE_NOTHING && s->state != STORE_FULL)
        return -1;
    if (need == ENGINE_LATER && !s->is_due) {
        /* From the first of them. */
        s->is_due = true;
        s->stepped_at = clock_now_ms();
        elapsed = 0;
    }
    if (need == ENGINE_NOW || (need == ENGINE_LATER && is_stopping) ||
        elapsed >= (uint32_t)pause)
        return 0;
    return pause - (int)elapsed;
}

/* Whether a batch was written. */
static bool step(struct scribe *s)
{
    uint64_t batches = engine_stats(s->engine).batches;
    engine_set_limits(s->engine, atomic_load(&s->limit_bytes),
                      atomic_load(&s->free_bytes));
    enum store_state state = engine_step(s->engine, wall_now_ms());
    s->is_due = false;
    s->stepped_at = clock_now_ms();
    say_what_is_done(s, state);
    return engine_stats(s->engine).batches > batches;
}

/* Whether it has done all that a stop waits for. */
static bool is_idle(struct scribe *s)
{
    enum engine_need need = engine_need(s->engine);
    return !mailbox_peek(&s->asks) &&
           (!mailbox_peek(&s->puts) || s->state != STORE_OPEN) &&
           (need == ENGINE_NOTHING || need == ENGINE_TIDY);
}

/* One turn; false when it is to stop and has. */
static bool scribe_turn(struct scribe *s)
{
    bool is_stopping = atomic_load(&s->is_stopping);
    take_asks(s);
    take_puts(s);
    if (is_stopping && (is_idle(s) || s->state == STORE_FAILED))
        return false;
    int wait = wait_ms(s, is_stopping);
    /* Without space a stop does not wait for what cannot be written. */
    if (wait == 0)
        return step(s) || !is_stopping || s->state == STORE_OPEN;
    if (mailbox_peek(&s->asks))
        return true;
    bell_ring(&s->news);
    bell_arm(&s->work);
    bool has_puts = mailbox_peek(&s->puts) && s->state == STORE_OPEN;
    if (mailbox_peek(&s->asks) || has_puts ||
        atomic_load(&s->is_stopping) != is_stopping)
        bell_quiet(&s->work);
    else
        bell_wait(&s->work, wait);
    return true;
}

static void *scribe_run(void *arg)
{
    struct scribe *s = arg;
    s->stepped_at = clock_now_ms();
    /* It may have been opened without space. */
    say_what_is_done(s, engine_state(s->engine));
    while (scribe_turn(s))
        continue;
    /* Reads are answered, whatever became of the rest. */
    while (mailbox_peek(&s->asks))
        take_asks(s);
    (void)engine_finish(s->engine, wall_now_ms());
    stats_publish(s);
    atomic_store(&s->has_stopped, true);
    bell_ring(&s->news);
    return NULL;
}

/* Signals are for the loop. */
bool scribe_start(struct scribe *s)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&s->thread, NULL, scribe_run, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error == 0;
}
