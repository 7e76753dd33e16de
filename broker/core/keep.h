/* SPDX-License-Identifier: MIT
 *
 * keep - what a durable queue holds: written first, then handed out. The queue
 * itself has the head, which can be given out; what follows is here.
 *
 *     numbers   ..........  loaded ......... kept ........... durable ......
 * next given out,          middle:       tail: in returned,           only on
 * memory       the same, and head                disk                       not
 * on disk yet
 *
 * When there is no middle, what is on disk moves from the tail to the head.
 * When the head has enough, what is on disk is let go: it need not be written
 * for that. So memory does not grow with the queue.
 */
#ifndef SLUICE_CORE_KEEP_H
#define SLUICE_CORE_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/core/fullness.h"
#include "broker/core/keeper.h"
#include "broker/core/store_ops.h"

struct backlog;
struct queue;
struct slice;

enum {
    KEEP_HEAD_BYTES = 1 << 20,         /* the head is filled up to here, */
    KEEP_LOW_BYTES = 256 << 10,        /* and read below, */
    KEEP_READ_BYTES = 1 << 20,         /* so much; */
    KEEP_READ_SHORT_BYTES = 256 << 10, /* while memory is short */
    KEEP_TAIL_BYTES = 1 << 20,         /* the tail lets go beyond this; */
    KEEP_SHORT_BYTES = 64 << 10,       /* while memory is short */
};

struct keep {
    struct keeper *keeper;
    struct queue *queue;
    uint32_t id;           /* of the store */
    uint32_t put_count;    /* slices of the tail that were put */
    struct backlog *tail;  /* always has room for one slice, unless the channel
                              has none */
    uint64_t base;         /* the store has no numbers below it */
    uint64_t loaded, kept; /* the middle: equal when there is none */
    uint64_t durable;      /* all numbers below it are on disk */
    uint64_t last_turn;    /* of the core: when it accepted something */
    struct fill middle;
    struct fill given;   /* in trails */
    uint64_t ack_first;  /* numbers that are done, */
    uint32_t ack_count;  /* so many, which the store is told of later */
    uint32_t asked_acks; /* that the keeper has and the store had no room for */
    uint32_t read_bytes; /* the next message needs so much; 0: it is small */
    struct store_read *read;            /* under way; NULL: none is */
    bool is_abandoned;                  /* the store is closed */
    struct list unput, stalled, hungry; /* of the keeper's */
    struct list strays; /* struct trail: what is to be put back */
};

/* For a queue that has to be durable, with all that it holds. NULL when there
 * is no memory, or the store takes no more channels. */
struct keep *keep_new(struct queue *q, struct keeper *keeper);

/* For a new queue that the store has. NULL when there is no memory. */
struct keep *keep_recover(struct queue *q, struct keeper *keeper,
                          const struct store_channel *found);

/* It is empty; the store forgets it. */
void keep_free(struct keep *k);

/* Nothing is in it, on disk or in trails. */
bool keep_is_empty(const struct keep *k);

/* All receipts for what is in it may be sent. */
bool keep_is_settled(const struct keep *k);

/* Has room for one slice; false without memory. Its gate closes if too much is
 * not on disk. */
bool keep_prepare(struct keep *k);

/* How many bytes of messages more are sure to find space. */
uint64_t keep_room(const struct keep *k);

/* Whether a message of `n` bytes is, or may be the first to find none. If not,
 * its gate closes until there is. */
bool keep_admits(struct keep *k, uint64_t n);

/* Takes a slice, numbered, that there is room for. */
void keep_accept(struct keep *k, const struct slice *s);

/* The turn is over: its messages are put into the store, and it is told what is
 * done. */
void keep_rest(struct keep *k);

/* Moves to the head what can be handed out, begins to read what will be, and
 * lets go what there is too much of. False: nothing can be handed out. */
bool keep_fill(struct keep *k);

/* What waits behind the head. */
struct fill keep_behind(const struct keep *k);

/* A slice that was on disk is done. */
void keep_ack(struct keep *k, uint64_t first, uint32_t count);

/* Lets go what it can, memory being short. Whether that is all it can do: then
 * its publishers have to wait. */
bool keep_press(struct keep *k);

/* Drops what is on disk alone, and all that is of the tail; returns how many
 * messages these were. */
uint64_t keep_purge(struct keep *k);

/* Forgets what it has, which stays in the store: the broker ends. */
void keep_abandon(struct keep *k);

/* For the keeper. */
extern const struct keeper_calls keep_calls;

#endif
