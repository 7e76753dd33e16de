/* SPDX-License-Identifier: MIT
 *
 * subscriber - a client's place in one channel, with its outbox: the messages
 * it is owed that the kernel has not taken yet.
 */
#ifndef SLUICE_CORE_SUBSCRIBER_H
#define SLUICE_CORE_SUBSCRIBER_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/core/backlog.h"
#include "broker/core/backlog_drop.h"

struct channel;
struct trail;
struct worker;

enum subscriber_state {
    SUBSCRIBER_NONE,    /* in no channel */
    SUBSCRIBER_OK,      /* takes what it is given */
    SUBSCRIBER_BUSY,    /* its outbox is full, publishers wait for it */
    SUBSCRIBER_SLOW,    /* its outbox is full, publishers do not wait */
    SUBSCRIBER_RETIRED, /* is given nothing more, but still owed its outbox */
};

/* How the owner finds what a subscriber belongs to; the core only asks whether
 * it is told what it misses. */
enum subscriber_kind {
    SUBSCRIBER_PLAIN,     /* is not told */
    SUBSCRIBER_LANE,      /* of a client that may have several: the first, */
    SUBSCRIBER_LANE_MORE, /* or another */
};

struct subscriber {
    struct channel *channel; /* NULL when NONE */
    struct list member;      /* of the channel, in the order of joining */
    union {
        struct list ready; /* in a queue: among the members with room */
        struct list busy;  /* in a topic: among the turn's busy ones */
    };
    struct list dirty;      /* in the turn's list while there is output, or in
                               that of the doomed */
    struct backlog *outbox; /* backlog_none when empty */
    uint64_t messages_out;  /* handed to the kernel */
    union {
        uint64_t dropped;      /* of a topic: missed by being slow */
        struct worker *worker; /* of a queue: its window; NULL: what was handed
                                  to the kernel is done */
    };
    union {
        struct {                  /* in a topic: */
            uint32_t taken_bytes; /* since its last mark of good progress, */
            clock_ms mark_at;     /* which was then */
        };
        struct trail *trail; /* in a queue: NULL unless that is durable and it
                                was given something; see trail.h */
    };
    union {
        uint32_t order;       /* in a queue: of joining */
        clock_ms known_since; /* in a topic: when it joined, or was last slow */
    };
    uint16_t matches;  /* for the owner: how many wildcards lead here */
    uint8_t state;     /* enum subscriber_state */
    uint8_t kind : 2;  /* enum subscriber_kind */
    bool is_kept : 1;  /* `dirty` is in a list of its owner: output that the
                          socket did not take */
    bool is_exact : 1; /* for the owner: so does its own name */
    bool is_early : 1; /* for the owner: joined before its subscription is
                          confirmed, and was not written since */
    /* In a topic: */
    bool was_busy : 1;  /* since `known_since`; */
    bool has_read : 1;  /* and then took as much as its bound, or so much
                           before that it must have been read */
    bool has_moved : 1; /* took something since it was last made BUSY */
};

/* A member of no channel yet. */
void subscriber_init(struct subscriber *s);

/* Becomes a member of the channel; it must be NONE. Receives the messages
 * published from now on. */
void subscriber_join(struct subscriber *s, struct channel *ch);

/* Adds to the outbox and has it flushed when the turn ends. False, with
 * nothing changed, when there is no memory. */
bool subscriber_push(struct subscriber *s, const struct slice *slice);

/* The same for one message, which is copied; for `number` see
 * backlog_gather. */
bool subscriber_gather(struct subscriber *s, const uint8_t *message, uint32_t n,
                       clock_ms at, uint64_t number);

/* A slice is offered to a reader that is told what it misses: it will get it,
 * or be told. False when there is no memory even to count. */
bool subscriber_note(struct subscriber *s, const struct slice *slice);

/* `bytes` of the outbox were handed to the kernel. */
void subscriber_sent(struct subscriber *s, uint64_t bytes);

/* The reader has got, or was told of, everything up to this number. */
void subscriber_told(struct subscriber *s, uint64_t number);

/* The owner keeps its output in a list of its own until the socket takes it. */
void subscriber_keep(struct subscriber *s, struct list *list);

/* The number behind which the next message or gap of it begins. */
uint64_t subscriber_number(const struct subscriber *s);

/* Its socket has been offered all of the outbox: the rest is judged by the
 * bounds of the channel. Harmless when it is NONE. */
void subscriber_flushed(struct subscriber *s);

/* Makes the outbox begin with a message that is not wholly sent, and counts
 * those that are. */
void subscriber_count_sent(struct subscriber *s);

/* Has `drop` reduce the outbox to at most so much, if it is not empty; what is
 * pledged does not count. Returns how many messages were dropped. */
uint32_t subscriber_drop(struct subscriber *s, backlog_drop_fn *drop,
                         uint64_t bytes, uint64_t messages);

/* Its client holds more memory than it may: publishers of a topic wait for it,
 * or it loses what it does not take. What it has of a queue stays. Harmless
 * when it is NONE. */
void subscriber_press(struct subscriber *s);

/* Has its connection closed when the turn ends. */
void subscriber_doom(struct subscriber *s);

/* It says goodbye: it is given nothing more, but is still owed its outbox.
 * Harmless when it is NONE. */
void subscriber_retire(struct subscriber *s);

/* It is gone, and NONE afterwards. Messages of a queue that it did not wholly
 * take go back to the head of the queue, in order; those of a topic are
 * dropped. */
void subscriber_leave(struct subscriber *s);

#endif
