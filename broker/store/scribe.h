/* SPDX-License-Identifier: MIT
 *
 * scribe - the thread of a store: it feeds the engine from the rings, decides
 * when a batch is written, and says what is done. It owns the engine from start
 * to stop; the loop touches nothing of it but rings, bells and atomics.
 */
#ifndef SLUICE_STORE_SCRIBE_H
#define SLUICE_STORE_SCRIBE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "broker/base/bell.h"
#include "broker/base/clock.h"
#include "broker/store/disk_posix.h"
#include "broker/store/engine.h"
#include "broker/store/mailbox.h"

enum scribe_put_kind { SCRIBE_PUT, SCRIBE_OPEN, SCRIBE_DROP };

struct scribe_put {
    enum scribe_put_kind kind;
    union {
        struct store_put put;
        struct {
            uint32_t channel;
            uint32_t name_length; /* this and the rest if it is opened */
            uint64_t first;
            uint8_t *name; /* the thread's then */
        };
    };
};

enum scribe_ask_kind { SCRIBE_ACK, SCRIBE_TRIM, SCRIBE_READ };

struct scribe_ask {
    enum scribe_ask_kind kind;
    uint32_t channel, count;
    uint64_t first;
    struct store_read *read;
};

enum {
    SCRIBE_STATS = sizeof(struct engine_stats) / sizeof(uint64_t),
    SCRIBE_TIMES = 32, /* powers of two */
};

struct scribe {
    struct disk_posix folder;
    struct disk_ops calls; /* of the folder; flushes are timed */
    struct engine *engine;
    struct mailbox puts, asks, done;
    struct bell work, news; /* for the thread; for the loop */
    atomic_bool is_stopping, has_stopped;
    atomic_bool needs_room; /* of what is done, before it can go on */
    _Atomic uint64_t limit_bytes, free_bytes;
    _Atomic uint64_t stats[SCRIBE_STATS];
    _Atomic uint64_t times[SCRIBE_TIMES]; /* flushes that took up to 2^i us */
    _Atomic uint64_t flush_began_us;      /* 0 while there is none */
    pthread_t thread;
    /* The thread's. */
    enum store_state state; /* that it has said */
    clock_ms stepped_at;    /* or had nothing to write */
    bool is_due;            /* there are acknowledgements to write */
};

/* Opens the folder and the engine, on the disk that the setup has or that of
 * the folder; false with the report filled, and nothing held. */
bool scribe_open(struct scribe *s, const char *folder,
                 struct engine_setup *setup, struct engine_report *report);
/* Starts the thread; false when there can be none. */
bool scribe_start(struct scribe *s);
/* The thread has stopped, or was never started: closes the engine, as it is,
 * and the folder. */
void scribe_close(struct scribe *s);

/* Statistics as the thread published them last. */
struct engine_stats scribe_stats(const struct scribe *s);
/* How long the flush that is being waited for has taken; 0: there is none. */
uint64_t scribe_flushing_us(const struct scribe *s);
/* The time within which this share of a hundred flushes was done; 0: there was
 * none. */
uint64_t scribe_flush_us(const struct scribe *s, unsigned share);

#endif
