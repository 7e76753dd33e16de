/* SPDX-License-Identifier: MIT
 *
 * subscriber - a client's place in one channel, with its outbox: what it is
 * owed and the kernel has not taken yet.
 */
#ifndef SLUICE_CORE_SUBSCRIBER_H
#define SLUICE_CORE_SUBSCRIBER_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/core/backlog.h"

struct channel;
struct core;

enum subscriber_state {
    SUBSCRIBER_NONE,    /* in no channel */
    SUBSCRIBER_OK,      /* takes what it is given */
    SUBSCRIBER_BUSY,    /* its outbox is full, publishers wait for it */
    SUBSCRIBER_SLOW,    /* its outbox is full, nobody waits for it */
    SUBSCRIBER_RETIRED, /* is given nothing more, but still owed its outbox */
};

struct subscriber {
    struct channel *channel; /* NULL when NONE */
    struct list member;      /* of the channel, in the order of joining */
    struct list turn;        /* in a queue: among those that have room;
                                in a topic: among the core's busy ones */
    struct list dirty;       /* in the core's list while there is output, or
                                in that of the doomed */
    struct backlog *outbox;  /* backlog_none when empty */
    uint64_t messages_out;   /* handed to the kernel */
    uint64_t dropped;        /* missed by being slow */
    uint32_t order;          /* of joining */
    uint32_t taken_bytes;    /* since its last mark of good progress, */
    clock_ms mark_at;        /* which was then */
    enum subscriber_state state;
};

void subscriber_init(struct subscriber *s);

/* Adds to the outbox and has it flushed at the end of the turn. False, with
 * nothing changed, when there is no memory. */
bool subscriber_push(struct core *c, struct subscriber *s,
                     const struct slice *slice);

/* The same for one message, which is copied. */
bool subscriber_gather(struct core *c, struct subscriber *s,
                       const uint8_t *message, uint32_t n, clock_ms at);

/* `bytes` of the outbox were handed to the kernel. May make room for more:
 * settle the core afterwards. */
void subscriber_sent(struct core *c, struct subscriber *s, uint64_t bytes);

/* Its socket has been offered all of the outbox: what is left is judged by
 * the bounds of the channel. */
void subscriber_flushed(struct subscriber *s);

/* Makes the outbox begin with a message that is not wholly gone, and counts
 * those that are. */
void subscriber_settle(struct subscriber *s);

/* Has its connection closed when the turn ends. */
void subscriber_doom(struct subscriber *s);

/* It says goodbye: nothing more is given to it, what its outbox holds is
 * still owed. */
void subscriber_retire(struct subscriber *s);

/* It is gone. What a queue gave it and it did not wholly take goes back to
 * the head of the queue, in order; what a topic gave it is dropped. */
void subscriber_leave(struct core *c, struct subscriber *s);

#endif
