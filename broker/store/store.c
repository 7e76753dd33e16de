/* SPDX-License-Identifier: MIT */
#include "broker/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "broker/base/idmap.h"
#include "broker/base/siphash.h"
#include "broker/store/scribe.h"
#include "common/vector.h"
#include "proto/journal.h"

enum {
    STATE_SHARE = 4,     /* of a segment, that channels take at most */
    LATE_MAX = 64 << 10, /* channels that are opened or dropped late */
};

struct store {
    struct scribe scribe;
    struct idmap channels; /* id -> bytes in STATE */
    uint64_t channel_bytes, channel_bytes_max;
    uint32_t next_channel;
    uint64_t above;          /* numbers of new channels begin there */
    uint64_t highest;        /* that was ever put, and one more */
    struct scribe_put *late; /* channels to be opened and dropped that found no
                                room in the ring, in order; there is room here
                                to drop all channels */
    size_t late_count, late_room;
    bool has_asked; /* since the last kick */
    bool is_started;
};

/* Channels. */

/* Counts a channel; false without memory. It may come to be opened late, and
 * dropped late. */
static bool channel_add(struct store *s, uint32_t id, uint32_t name_length)
{
    uint64_t bytes = JOURNAL_CHANNEL_ENTRY + journal_padded(name_length);
    struct scribe_put *more =
        vector_grow(s->late, &s->late_room,
                    s->late_count + s->channels.count + 1, sizeof *more);
    if (!more)
        return false;
    s->late = more;
    if (!idmap_put(&s->channels, id, bytes))
        return false;
    s->channel_bytes += bytes;
    return true;
}

static void channel_remove(struct store *s, uint32_t id)
{
    s->channel_bytes -= *idmap_find(&s->channels, id);
    idmap_remove(&s->channels, id);
}

/* Passes on what is late; false when there is no room for all. */
static bool late_push(struct store *s)
{
    size_t n = 0;
    while (n < s->late_count && mailbox_push(&s->scribe.puts, &s->late[n]))
        n++;
    s->late_count -= n;
    if (n > 0)
        memmove(s->late, s->late + n, s->late_count * sizeof *s->late);
    return s->late_count == 0;
}

/* Behind all others: a channel that is dropped may have had the name of one
 * that is opened after it. */
static void late_add(struct store *s, const struct scribe_put *entry)
{
    s->late[s->late_count++] = *entry;
    (void)late_push(s);
    s->has_asked = true;
}

static bool is_crowded(const struct store *s, uint32_t name_length)
{
    uint64_t bytes = JOURNAL_CHANNEL_ENTRY + journal_padded(name_length);
    return s->channel_bytes + bytes > s->channel_bytes_max ||
           s->late_count >= LATE_MAX;
}

static enum store_opened store_open_channel(void *store, const uint8_t *name,
                                            uint32_t length, uint32_t *id,
                                            uint64_t *first)
{
    struct store *s = store;
    if (is_crowded(s, length))
        return STORE_CROWDED;
    uint8_t *copy = malloc(length);
    if (!copy || !channel_add(s, s->next_channel, length)) {
        free(copy);
        return STORE_NO_MEMORY;
    }
    memcpy(copy, name, length);
    *id = s->next_channel++;
    *first = *first < s->above ? s->above : *first;
    late_add(s, &(struct scribe_put){.kind = SCRIBE_OPEN,
                                     .channel = *id,
                                     .name_length = length,
                                     .first = *first,
                                     .name = copy});
    return STORE_OPENED;
}

static void store_drop_channel(void *store, uint32_t id)
{
    struct store *s = store;
    channel_remove(s, id);
    s->above = s->highest > s->above ? s->highest : s->above;
    late_add(s, &(struct scribe_put){.kind = SCRIBE_DROP, .channel = id});
}

static bool store_visit_channels(void *store, store_channel_fn *visit,
                                 void *arg)
{
    struct store *s = store;
    return engine_visit_channels(s->scribe.engine, visit, arg);
}

/* Work for the thread. */

static bool store_put(void *store, const struct store_put *put)
{
    struct store *s = store;
    struct scribe_put entry = {.kind = SCRIBE_PUT, .put = *put};
    uint64_t end = put->slice.first + put->slice.messages;
    if (!late_push(s) || !mailbox_push(&s->scribe.puts, &entry))
        return false;
    s->highest = end > s->highest ? end : s->highest;
    s->has_asked = true;
    return true;
}

static bool ask(struct store *s, struct scribe_ask entry)
{
    s->has_asked = true;
    return mailbox_push(&s->scribe.asks, &entry);
}

static bool store_ack(void *store, uint32_t channel, uint64_t first,
                      uint32_t count)
{
    return ask(store, (struct scribe_ask){.kind = SCRIBE_ACK,
                                          .channel = channel,
                                          .count = count,
                                          .first = first});
}

static bool store_trim(void *store, uint32_t channel, uint64_t first)
{
    return ask(store, (struct scribe_ask){.kind = SCRIBE_TRIM,
                                          .channel = channel,
                                          .first = first});
}

static bool store_read(void *store, struct store_read *read)
{
    return ask(store, (struct scribe_ask){.kind = SCRIBE_READ, .read = read});
}

static void store_kick(void *store)
{
    struct store *s = store;
    (void)late_push(s);
    if (s->has_asked)
        bell_ring(&s->scribe.work);
    s->has_asked = false;
}

/* Arms the bell when there is nothing more. */
static int store_reap(void *store, struct store_done *done, int max)
{
    struct store *s = store;
    struct scribe *scribe = &s->scribe;
    int n = 0;
    const struct store_done *one;
    while (n < max) {
        one = mailbox_peek(&scribe->done);
        if (!one) {
            bell_arm(&scribe->news);
            one = mailbox_peek(&scribe->done);
            if (!one)
                break;
        }
        done[n++] = *one;
        mailbox_pop(&scribe->done);
    }
    if (n > 0 && atomic_exchange(&scribe->needs_room, false))
        bell_ring(&scribe->work);
    (void)late_push(s);
    return n;
}

const struct store_ops *store_ops(void)
{
    static const struct store_ops ops = {
        .visit_channels = store_visit_channels,
        .open_channel = store_open_channel,
        .drop_channel = store_drop_channel,
        .put = store_put,
        .ack = store_ack,
        .trim = store_trim,
        .read = store_read,
        .kick = store_kick,
        .reap = store_reap,
    };
    return &ops;
}

/* The store itself. */

static bool note_channel(void *arg, const struct store_channel *channel)
{
    struct store *s = arg;
    if (channel->next > s->highest)
        s->highest = channel->next;
    return channel_add(s, channel->id, channel->name_length);
}

static void store_free(struct store *s)
{
    idmap_clear(&s->channels);
    for (size_t i = 0; i < s->late_count; i++)
        if (s->late[i].kind == SCRIBE_OPEN)
            free(s->late[i].name);
    free(s->late);
    mailbox_fini(&s->scribe.puts);
    mailbox_fini(&s->scribe.asks);
    mailbox_fini(&s->scribe.done);
    bell_close(&s->scribe.work);
    bell_close(&s->scribe.news);
    free(s);
}

/* Everything but the engine; NULL without memory or descriptors. */
static struct store *store_new(void)
{
    struct store *s =
        aligned_alloc(MAILBOX_LINE, (sizeof *s + MAILBOX_LINE - 1) /
                                        MAILBOX_LINE * MAILBOX_LINE);
    if (!s)
        return NULL;
    memset(s, 0, sizeof *s);
    bool has_work = bell_open(&s->scribe.work);
    bool has_news = bell_open(&s->scribe.news);
    bool has_puts = mailbox_init(&s->scribe.puts, sizeof(struct scribe_put));
    bool has_asks = mailbox_init(&s->scribe.asks, sizeof(struct scribe_ask));
    bool has_done = mailbox_init(&s->scribe.done, sizeof(struct store_done));
    if (has_work && has_news && has_puts && has_asks && has_done)
        return s;
    store_free(s);
    return NULL;
}

static bool store_begin(struct store *s, const struct store_setup *setup,
                        struct store_report *report)
{
    struct engine_setup engine = {.segment_bytes = setup->segment_bytes,
                                  .limit_bytes = setup->limit_bytes,
                                  .free_bytes = setup->free_bytes};
    struct siphash_key keys[2] = {siphash_key_random(), siphash_key_random()};
    memcpy(engine.random, keys, sizeof engine.random);
    if (setup->disk)
        engine.disk = *setup->disk;
    bool is_open =
        scribe_open(&s->scribe, setup->folder, &engine, &report->engine);
    report->other = s->scribe.folder.other;
    report->is_remote = s->scribe.folder.is_remote;
    if (!is_open)
        return false;
    struct engine_numbers numbers = engine_numbers(s->scribe.engine);
    s->next_channel = numbers.next_channel;
    s->above = numbers.above;
    s->channel_bytes_max = setup->segment_bytes / STATE_SHARE;
    if (engine_visit_channels(s->scribe.engine, note_channel, s))
        return true;
    scribe_close(&s->scribe);
    return false;
}

struct store *store_open(const struct store_setup *setup,
                         struct store_report *report)
{
    clock_ms begin = clock_now_ms();
    *report = (struct store_report){0};
    struct store *s = store_new();
    if (!s)
        return NULL;
    if (!store_begin(s, setup, report)) {
        store_free(s);
        return NULL;
    }
    report->open_ms = clock_elapsed_ms(clock_now_ms(), begin);
    return s;
}

bool store_start(struct store *s)
{
    bell_arm(&s->scribe.news);
    s->is_started = scribe_start(&s->scribe);
    return s->is_started;
}

int store_file(const struct store *s)
{
    return s->scribe.news.file;
}

void store_heard(struct store *s)
{
    bell_quiet(&s->scribe.news);
}

void store_stop(struct store *s)
{
    (void)late_push(s);
    atomic_store(&s->scribe.is_stopping, true);
    bell_ring(&s->scribe.work);
}

bool store_has_stopped(const struct store *s)
{
    return atomic_load(&s->scribe.has_stopped);
}

int store_take_back(struct store *s, struct store_put *puts, int max)
{
    int n = engine_take_back(s->scribe.engine, puts, max);
    const struct scribe_put *one;
    while (n < max && (one = mailbox_peek(&s->scribe.puts)) != NULL) {
        if (one->kind == SCRIBE_PUT)
            puts[n++] = one->put;
        else if (one->kind == SCRIBE_OPEN)
            free(one->name);
        mailbox_pop(&s->scribe.puts);
    }
    return n;
}

void store_close(struct store *s)
{
    struct store_put puts[1];
    if (s->is_started)
        (void)pthread_join(s->scribe.thread, NULL);
    while (store_take_back(s, puts, 1) > 0)
        continue;
    scribe_close(&s->scribe);
    store_free(s);
}

void store_set_limits(struct store *s, uint64_t limit_bytes,
                      uint64_t free_bytes)
{
    atomic_store(&s->scribe.limit_bytes, limit_bytes);
    atomic_store(&s->scribe.free_bytes, free_bytes);
}

struct store_stats store_stats(const struct store *s)
{
    return (struct store_stats){
        .engine = scribe_stats(&s->scribe),
        .flush_p50_us = scribe_flush_us(&s->scribe, 50),
        .flush_p99_us = scribe_flush_us(&s->scribe, 99),
        .flushing_us = scribe_flushing_us(&s->scribe),
    };
}
