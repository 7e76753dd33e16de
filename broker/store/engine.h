/* SPDX-License-Identifier: MIT
 *
 * engine - a store of durable queues without threads: orders are taken,
 * engine_step() writes them as a batch, flushes it and says what is on disk.
 * It touches the system through `struct disk` only, and takes the time as an
 * argument, so a simulation can run it against a disk that loses power.
 *
 *     orders --> [taken] -- step: write, flush --> [written] --> reap
 *
 * One thread at a time. Nothing calls back.
 */
#ifndef SLUICE_STORE_ENGINE_H
#define SLUICE_STORE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/core/store_ops.h"
#include "broker/store/disk.h"
#include "common/sentence.h"

enum {
    ENGINE_RANDOM = 32,
    ENGINE_PUTS = 8192, /* taken and not reaped; a power of two */
};

struct engine;

struct engine_setup {
    struct disk disk; /* a folder that nobody else uses; see store_open() */
    uint64_t segment_bytes; /* of a new file; rounded up to whole pages */
    uint64_t limit_bytes;   /* of all files, at least four segments */
    uint64_t free_bytes;    /* to be left on the file system */
    uint8_t random[ENGINE_RANDOM]; /* never the same twice */
};

/* How opening went. */
struct engine_report {
    struct sentence why; /* it has not opened; "" without memory */
    int error;           /* errno of a call that failed; 0: none did */
    uint32_t channels, segments;
    uint64_t messages, bytes; /* not acknowledged */
    uint32_t others;          /* files that are none of its own; left alone */
    uint64_t torn_bytes;      /* of a batch that was being written at the end */
};

/* Opens a store, or begins one in an empty folder; NULL: it could not.
 * `wall_ms` is the time since 1970, here and below. */
struct engine *engine_open(const struct engine_setup *setup, uint64_t wall_ms,
                           struct engine_report *report);

/* Writes what was taken and seals, unless the store has failed. Returns whether
 * all of it is on disk. */
bool engine_finish(struct engine *e, uint64_t wall_ms);

/* Closes the files and frees the memory, as a kill would. */
void engine_abandon(struct engine *e);

/* New channels get next_channel, next_channel + 1, ... below JOURNAL_ID_END,
 * and begin with numbers from `above` on. */
struct engine_numbers {
    uint64_t above;
    uint32_t next_channel;
};

/* What they were when the store was opened, or are now. */
struct engine_numbers engine_numbers(const struct engine *e);

/* All channels; false when `visit` returned false. */
bool engine_visit_channels(struct engine *e, store_channel_fn *visit,
                           void *arg);

enum order_kind {
    ORDER_OPEN, /* `channel` is a new one, see engine_numbers(); its first
                   message has the number `first` */
    ORDER_DROP, /* the channel holds nothing that is wanted */
    ORDER_PUT,  /* the slice stays as it is until it is reaped */
    ORDER_ACK,  /* `count` numbers from `first` on are done: on reads it takes
                   effect at once, on disk with the next step; or later, when
                   those that STATE has room for have gaps between them */
    ORDER_READ, /* answered at once; only what is on disk is read */
};

/* What a store is asked to do. Those of unknown channels do nothing. */
struct order {
    enum order_kind kind;
    uint32_t channel; /* but for ORDER_PUT and ORDER_READ, which have it */
    uint32_t count;
    uint64_t first;
    union {
        struct store_put put;
        struct store_read *read;
        struct {
            uint8_t *name; /* from malloc(): the engine's once it is taken */
            uint32_t name_length;
        };
    };
};

/* False: there is no memory, the same one may be tried again; or no room for
 * an ORDER_PUT, if so many as ENGINE_PUTS are not reaped. */
bool engine_take(struct engine *e, const struct order *order);

/* As it is now. */
enum store_state engine_state(const struct engine *e);

/* What may be put, and what will not find space. */
struct store_room engine_room(const struct engine *e);

/* How soon a step has something to do. */
enum engine_need {
    ENGINE_NOTHING,
    ENGINE_LATER, /* acknowledgements, which may wait for company */
    ENGINE_TIDY,  /* compaction, for which a stop needs not wait */
    ENGINE_NOW,
};

/* Does not change before the next order or step. */
enum engine_need engine_need(const struct engine *e);

/* Writes one batch of what was taken, flushes it, frees and compacts a bit.
 * Without space puts wait, and it looks whether there is some again. */
enum store_state engine_step(struct engine *e, uint64_t wall_ms);

/* Puts that are on disk, in the order in which they came; each is given once.
 * Returns how many. */
int engine_reap(struct engine *e, struct store_put *puts, int max);

/* Puts that never were on disk, for the caller to give up, after a failure or
 * before the end. Returns how many. */
int engine_take_back(struct engine *e, struct store_put *puts, int max);

/* Changes the bounds; they take effect with the next step. */
void engine_set_limits(struct engine *e, uint64_t limit_bytes,
                       uint64_t free_bytes);

/* Counters since the start, and gauges. */
struct engine_stats {
    uint64_t batches, flushes, messages, acks; /* written */
    uint64_t written_bytes, moved_bytes, read_bytes;
    uint64_t damaged_messages;       /* found by reads and compaction */
    uint64_t file_bytes, live_bytes; /* gauges, as those below */
    uint64_t state_bytes;            /* of all channels */
    uint64_t late_acks;              /* ranges that no batch may say yet */
    uint64_t segments, spares, channels;
};

/* As they are now. */
struct engine_stats engine_stats(const struct engine *e);

#endif
