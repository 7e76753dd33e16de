/* SPDX-License-Identifier: MIT */
#include "broker/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "broker/base/siphash.h"
#include "broker/store/scribe.h"
#include "common/vector.h"
#include "proto/journal.h"

enum {
    STATE_SHARE = 4,     /* of a segment, that channels take at most */
    LATE_MAX = 64 << 10, /* channels that are opened or dropped late */
};

/* Channels. */

/* What a channel takes in STATE. */
static uint64_t state_bytes(uint32_t name_length)
{
    return journal_channel_bytes(
        &(struct journal_channel){.name_bytes = (uint16_t)name_length});
}

/* Counts a channel; false without memory. It may come to be opened late, and
 * dropped late. */
static bool channel_add(struct store *s, uint32_t name_length)
{
    struct order *more =
        vector_grow(s->late, &s->late_room,
                    s->late_count + s->channel_count + 1, sizeof *more);
    if (!more)
        return false;
    s->late = more;
    s->channel_bytes += state_bytes(name_length);
    s->channel_count++;
    return true;
}

/* Passes on what is late; false when there is no room for all. */
static bool late_push(struct store *s)
{
    size_t n = 0;
    while (n < s->late_count && mailbox_push(&s->orders, &s->late[n]))
        n++;
    s->late_count -= n;
    if (n > 0)
        memmove(s->late, s->late + n, s->late_count * sizeof *s->late);
    return s->late_count == 0;
}

/* Behind all others: a channel that is dropped may have had the name of one
 * that is opened after it. */
static void late_add(struct store *s, const struct order *o)
{
    s->late[s->late_count++] = *o;
    (void)late_push(s);
}

static enum store_opened store_open_channel(void *store, const uint8_t *name,
                                            uint32_t length, uint32_t *id,
                                            uint64_t *first)
{
    struct store *s = store;
    if (s->channel_bytes + state_bytes(length) > s->channels_limit ||
        s->late_count >= LATE_MAX || s->next_channel >= JOURNAL_ID_END)
        return STORE_CROWDED;
    uint8_t *copy = malloc(length);
    if (!copy || !channel_add(s, length)) {
        free(copy);
        return STORE_NO_MEMORY;
    }
    memcpy(copy, name, length);
    *id = s->next_channel++;
    *first = *first < s->above ? s->above : *first;
    late_add(s, &(struct order){.kind = ORDER_OPEN,
                                .channel = *id,
                                .first = *first,
                                .name = copy,
                                .name_length = length});
    return STORE_OPENED;
}

static void store_drop_channel(void *store, uint32_t id, uint32_t name_length)
{
    struct store *s = store;
    s->channel_bytes -= state_bytes(name_length);
    s->channel_count--;
    s->above = s->highest > s->above ? s->highest : s->above;
    late_add(s, &(struct order){.kind = ORDER_DROP, .channel = id});
}

static bool store_visit_channels(void *store, store_channel_fn *visit,
                                 void *arg)
{
    struct store *s = store;
    return engine_visit_channels(s->engine, visit, arg);
}

/* Orders, and what is done. */

/* Gives an order; false when there is no room. */
static bool give_order(struct store *s, const struct order *o)
{
    return late_push(s) && mailbox_push(&s->orders, o);
}

_Static_assert((int)ENGINE_PUTS <= (int)MAILBOX_ENTRIES,
               "what is owed finds room in the ring when it is done");

/* One that is answered when it is done. */
static bool give_owed(struct store *s, const struct order *o)
{
    bool is_given = s->owed < ENGINE_PUTS && give_order(s, o);
    s->owed += is_given;
    return is_given;
}

static bool store_put(void *store, const struct store_put *put)
{
    struct store *s = store;
    uint64_t end = put->slice.first + put->slice.messages;
    if (!give_owed(s, &(struct order){.kind = ORDER_PUT, .put = *put}))
        return false;
    s->highest = end > s->highest ? end : s->highest;
    return true;
}

static bool store_read(void *store, struct store_read *read)
{
    return give_owed(store, &(struct order){.kind = ORDER_READ, .read = read});
}

static bool store_ack(void *store, uint32_t channel, uint64_t first,
                      uint32_t count)
{
    return give_order(store, &(struct order){.kind = ORDER_ACK,
                                             .channel = channel,
                                             .count = count,
                                             .first = first});
}

static void store_kick(void *store)
{
    struct store *s = store;
    (void)late_push(s);
    bell_ring(&s->work);
}

/* Takes from the ring what fits into `max`. */
static int reap_some(struct store *s, struct store_done *done, int max)
{
    const struct store_done *one;
    int n = 0;
    for (; n < max && (one = mailbox_peek(&s->done)) != NULL; n++) {
        done[n] = *one;
        mailbox_pop(&s->done);
        s->owed--;
    }
    return n;
}

/* A state is read before, and said after, what was done until then. With the
 * bell armed everything is looked at again: it did not ring for that. */
static int store_reap(void *store, struct store_done *done, int max)
{
    struct store *s = store;
    enum store_state state;
    int n = 0;
    if (s->late_count > 0)
        store_kick(s);
    do {
        state = atomic_load(&s->state);
        n += reap_some(s, done + n, max - n);
        if (n == max)
            return n;
        bell_arm(&s->news);
    } while (mailbox_peek(&s->done) || atomic_load(&s->state) != state);
    if (state != s->said)
        done[n++] =
            (struct store_done){.kind = STORE_DONE_STATE, .state = state};
    s->said = state;
    return n;
}

static struct store_room store_room(void *store)
{
    struct store *s = store;
    return (struct store_room){.bytes = atomic_load(&s->room_bytes),
                               .most = atomic_load(&s->room_most)};
}

const struct store_ops *store_ops(void)
{
    static const struct store_ops ops = {
        .visit_channels = store_visit_channels,
        .open_channel = store_open_channel,
        .drop_channel = store_drop_channel,
        .put = store_put,
        .ack = store_ack,
        .read = store_read,
        .kick = store_kick,
        .reap = store_reap,
        .room = store_room,
    };
    return &ops;
}

/* The store itself. */

static bool note_channel(void *arg, const struct store_channel *channel)
{
    struct store *s = arg;
    if (channel->next > s->highest)
        s->highest = channel->next;
    return channel_add(s, channel->name_length);
}

static void store_free(struct store *s)
{
    for (size_t i = 0; i < s->late_count; i++)
        if (s->late[i].kind == ORDER_OPEN)
            free(s->late[i].name);
    free(s->late);
    mailbox_fini(&s->orders);
    mailbox_fini(&s->done);
    bell_close(&s->work);
    bell_close(&s->news);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Everything but the engine; NULL without memory or descriptors. */
static struct store *store_new(void)
{
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    pthread_mutex_init(&s->lock, NULL);
    bool has_work = bell_open(&s->work);
    bool has_news = bell_open(&s->news);
    bool has_orders = mailbox_init(&s->orders, sizeof(struct order));
    bool has_done = mailbox_init(&s->done, sizeof(struct store_done));
    if (has_work && has_news && has_orders && has_done)
        return s;
    store_free(s);
    return NULL;
}

static void store_abandon(struct store *s)
{
    engine_abandon(s->engine);
    disk_posix_close(&s->folder);
}

static bool store_begin(struct store *s, const char *folder,
                        struct engine_setup setup, struct store_report *report)
{
    struct siphash_key keys[2] = {siphash_key_random(), siphash_key_random()};
    memcpy(setup.random, keys, sizeof setup.random);
    report->engine.error = disk_posix_open(&s->folder, folder);
    report->other = s->folder.other;
    report->is_remote = s->folder.is_remote;
    if (report->engine.error)
        return false;
    s->calls = *disk_posix_calls(&s->folder).ops;
    s->calls.flush = scribe_flush;
    if (!setup.disk.ops)
        setup.disk = (struct disk){&s->calls, &s->folder};
    s->engine = engine_open(&setup, clock_wall_ms(), &report->engine);
    if (!s->engine) {
        disk_posix_close(&s->folder);
        return false;
    }
    store_set_limits(s, setup.limit_bytes, setup.free_bytes);
    s->next_channel = engine_numbers(s->engine).next_channel;
    s->above = engine_numbers(s->engine).above;
    s->channels_limit = setup.segment_bytes / STATE_SHARE;
    if (engine_visit_channels(s->engine, note_channel, s))
        return true;
    store_abandon(s);
    return false;
}

struct store *store_open(const char *folder, const struct engine_setup *setup,
                         struct store_report *report)
{
    clock_ms begin = clock_now_ms();
    *report = (struct store_report){0};
    struct store *s = store_new();
    if (!s)
        return NULL;
    if (!store_begin(s, folder, *setup, report)) {
        store_free(s);
        return NULL;
    }
    scribe_exchange(s);
    scribe_say_room(s);
    report->open_ms = clock_elapsed_ms(clock_now_ms(), begin);
    return s;
}

bool store_start(struct store *s)
{
    bell_arm(&s->news);
    s->is_started = scribe_start(s);
    return s->is_started;
}

int store_file(const struct store *s)
{
    return s->news.file;
}

void store_heard(struct store *s)
{
    bell_quiet(&s->news);
}

void store_stop(struct store *s)
{
    (void)late_push(s);
    atomic_store(&s->is_stopping, true);
    bell_ring(&s->work);
}

bool store_has_stopped(const struct store *s)
{
    return atomic_load(&s->has_stopped);
}

int store_take_back(struct store *s, struct store_put *puts, int max)
{
    return engine_take_back(s->engine, puts, max);
}

void store_close(struct store *s)
{
    if (s->is_started)
        (void)pthread_join(s->thread, NULL);
    store_abandon(s);
    store_free(s);
}

void store_set_limits(struct store *s, uint64_t limit_bytes,
                      uint64_t free_bytes)
{
    pthread_mutex_lock(&s->lock);
    s->limit_bytes = limit_bytes;
    s->free_bytes = free_bytes;
    pthread_mutex_unlock(&s->lock);
}

struct store_stats store_stats(struct store *s)
{
    uint64_t began = atomic_load(&s->flush_began_us);
    pthread_mutex_lock(&s->lock);
    struct store_stats stats = s->stats;
    pthread_mutex_unlock(&s->lock);
    stats.flushing_us = began ? clock_now_us() - began : 0;
    return stats;
}
