/* SPDX-License-Identifier: MIT
 *
 * store_ops - what the core asks of the store in which durable queues are kept,
 * and what the store answers. The core knows no file: broker/store/ is one
 * implementation, that of the tests another.
 *
 *     put, ack, read  -->  [ the store's thread ]  -->  reap: what is done
 *
 * All calls are made by the loop. None blocks, none calls back.
 */
#ifndef SLUICE_CORE_STORE_OPS_H
#define SLUICE_CORE_STORE_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/core/slice.h"

enum {
    STORE_READ_RUNS = 64,
    STORE_PUT_BYTES = 136, /* of its room that a put takes besides its bytes */
};

/* What a turn published to one channel: its messages are numbered and not
 * dressed, its block is sealed. */
struct store_put {
    uint32_t channel; /* from open_channel */
    struct slice slice;
    uint64_t turn; /* of the core */
};

/* Messages to be read back. It belongs to the core, and to the store from
 * `read` until it is reaped. */
struct store_read {
    uint32_t channel;
    uint64_t from;      /* number: none below it is wanted */
    uint64_t end;       /* nor any from here on */
    struct block *into; /* empty, sealed; filled from its beginning */
    /* The answer: slices of `into` in the order of their numbers, without
     * messages that are acknowledged; `at` is 0. */
    struct slice runs[STORE_READ_RUNS];
    uint32_t run_count;
    uint64_t next;  /* all wanted numbers below it are in `runs`, acknowledged
                       or lost */
    uint32_t needs; /* the message `next` alone needs so many bytes: read it
                       again into a larger block; 0: it has room */
    uint64_t lost, damaged; /* behind the runs, from this number on, so many
                               messages could not be read; `next` follows */
};

enum store_state {
    STORE_OPEN,   /* takes messages */
    STORE_FULL,   /* acknowledgements only, until there is space */
    STORE_FAILED, /* nothing any more: a flush failed */
};

/* What messages may take, with their texts and STORE_PUT_BYTES for each put. */
struct store_room {
    uint64_t bytes; /* all that is put and not reaped finds space, whatever
                       others do to the disk, if it is no more than this */
    uint64_t most;  /* a message that takes more finds none */
};

enum store_done_kind {
    STORE_DONE_PUT,   /* is on disk, in the order of puts; the reference on its
                         block is the core's again. After STORE_FAILED: only the
                         latter */
    STORE_DONE_READ,  /* is filled; after STORE_FAILED: as far as it was */
    STORE_DONE_STATE, /* has changed */
};

struct store_done {
    enum store_done_kind kind;
    union {
        struct store_put put;
        struct store_read *read;
        enum store_state state;
    };
};

/* What became of a channel that was to be opened. */
enum store_opened {
    STORE_OPENED,
    STORE_CROWDED, /* there are too many */
    STORE_NO_MEMORY,
};

/* A channel that the store held when it was opened. */
struct store_channel {
    uint32_t id;
    const uint8_t *name; /* valid during the call only */
    uint32_t name_length;
    uint64_t floor;           /* all numbers below it are done */
    uint64_t next;            /* number of its next message */
    uint64_t messages, bytes; /* that are not acknowledged; bytes about */
};

/* False to go no further. */
typedef bool store_channel_fn(void *arg, const struct store_channel *channel);

struct store_ops {
    /* All channels it holds; to be called before anything else. False when
     * `visit` returned false. */
    bool (*visit_channels)(void *store, store_channel_fn *visit, void *arg);
    /* A new channel, whose first message gets *first or, if numbers up to there
     * may have been used, a higher one, which *first becomes. Its id, which is
     * not 0, becomes *id. */
    enum store_opened (*open_channel)(void *store, const uint8_t *name,
                                      uint32_t length, uint32_t *id,
                                      uint64_t *first);
    /* It holds nothing, and its id is not used again. Never fails: it is
     * written when there is room for it. */
    void (*drop_channel)(void *store, uint32_t channel, uint32_t name_length);
    /* In the order of calls, over all channels. Takes the reference on the
     * block until it is reaped. False: no room now, try the same one again
     * after the next _reap. */
    bool (*put)(void *store, const struct store_put *put);
    /* The messages first, first + 1, ... need not be kept. False: no room now,
     * try the same ones again. */
    bool (*ack)(void *store, uint32_t channel, uint64_t first, uint32_t count);
    /* Its `channel`, `from`, `end` and `into` are set. False: no room now. */
    bool (*read)(void *store, struct store_read *read);
    /* The end of a turn: what was asked is begun. */
    void (*kick)(void *store);
    /* What is done: up to `max`; returns how many. */
    int (*reap)(void *store, struct store_done *done, int max);
    /* As it was when what has been reaped was done, or later. */
    struct store_room (*room)(void *store);
};

#endif
