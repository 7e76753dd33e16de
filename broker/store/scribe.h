/* SPDX-License-Identifier: MIT
 *
 * scribe - the thread of a store: it feeds the engine with orders, decides when
 * a batch is written, and says what is done. It owns the engine from start to
 * stop; the loop touches nothing of it but what both sides share.
 */
#ifndef SLUICE_STORE_SCRIBE_H
#define SLUICE_STORE_SCRIBE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "broker/base/bell.h"
#include "broker/base/mailbox.h"
#include "broker/base/recent.h"
#include "broker/store/disk_posix.h"
#include "broker/store/group.h"
#include "broker/store/store.h"

struct store {
    struct disk_posix folder; /* the first, for scribe_flush() */
    struct disk_ops calls;    /* of the folder; flushes are timed */
    struct mailbox orders, done;
    struct bell work, news; /* for the thread; for the loop */
    atomic_bool is_stopping, has_stopped;
    _Atomic enum store_state state;  /* published after what came before it */
    _Atomic uint64_t flush_began_us; /* 0 while there is none */
    _Atomic uint64_t room_bytes, room_most; /* see struct store_room */
    pthread_t thread;
    pthread_mutex_t lock; /* of the following three */
    uint64_t limit_bytes, free_bytes;
    struct store_stats stats;
    /* The thread's, while it runs. */
    struct engine *engine;
    enum engine_need need; /* what it waits for, */
    uint64_t since_us;     /* since when */
    bool has_news;         /* for the loop, which was not woken yet */
    struct recent flushes; /* how long they took */
    struct group group;    /* how long a batch waits for more */
    uint64_t waiting;      /* messages that were put and are not on disk */
    /* The loop's. */
    enum store_state said; /* what it was told */
    uint32_t owed; /* puts and reads that are not reaped, up to ENGINE_PUTS */
    uint64_t channel_bytes;  /* of all channels in STATE, */
    uint64_t channels_limit; /* at most */
    uint32_t channel_count, next_channel;
    uint64_t above;     /* numbers of new channels begin there */
    uint64_t highest;   /* that was ever put, and one more */
    struct order *late; /* channels to be opened and dropped that found no room
                           in the ring, in order; there is room here to drop
                           all channels */
    size_t late_count, late_room;
    bool is_started;
};

/* Starts the thread; false when there can be none. */
bool scribe_start(struct store *s);
/* Flushes a file of the store's folder, and counts how long that takes. */
int scribe_flush(void *folder, int file);
/* Publishes what may be put; the thread's while it runs. */
void scribe_say_room(struct store *s);
/* Publishes statistics and takes over the bounds; the thread's while it
 * runs. */
void scribe_exchange(struct store *s);

#endif
