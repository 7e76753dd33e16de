/* SPDX-License-Identifier: MIT
 *
 * held - a message of a queue that was handed to a worker, which its queue
 * keeps until it is acknowledged; and the ledger of all these of one queue.
 *
 *              handed out               acknowledged
 *     backlog -----------> HELD_OUT ------------------------> gone
 *                           ^    | given back, its time over,
 *                           |    v or its worker gone
 *                      HELD_RETURNED <------ HELD_DELAYED
 *                                    in time
 *
 * All in the ledger have lower numbers than what waits in the backlog, so what
 * has come back is handed out before that, the lowest number first. It is kept
 * in a heap that is made of the entries themselves: nothing that comes back
 * needs memory.
 */
#ifndef SLUICE_CORE_HELD_H
#define SLUICE_CORE_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/core/slice.h"
#include "broker/core/turn.h"

struct channel;
struct subscriber;

enum held_state { HELD_OUT, HELD_DELAYED, HELD_RETURNED };

/* Of these there may be very many: see bench.held. */
struct held {
    struct slice slice; /* one message, with a reference on the block */
    union {
        struct list link;      /* OUT: of its worker */
        struct held *child[2]; /* else: in a heap; NULL: there is none */
    };
    struct subscriber *lane; /* OUT: where it went; else NULL */
    struct held *next;       /* in the same bucket; NULL: it is the last */
    clock_ms due;  /* when its worker's time for it began, or its delay
                      ends */
    uint8_t state; /* enum held_state */
    uint8_t rank;  /* in a heap: of the shortest way to a leaf */
    bool is_sent;  /* its last byte was handed to the kernel */
};

struct ledger {
    struct channel *channel;
    struct held **buckets; /* by number */
    uint32_t bucket_count; /* a power of two */
    uint32_t count;
    uint64_t bytes;          /* of all messages */
    uint64_t tallied;        /* messages in COUNT_held_messages */
    struct held *returned;   /* the first, NULL when there is none; of these */
    uint64_t returned_count; /* there are so many, */
    uint64_t returned_bytes; /* of so many bytes */
    struct held *delayed; /* the one that returns first; NULL: there is none */
    struct turn_alarm alarm;        /* which is then due */
    struct turn_alarm settle_alarm; /* see settling.h, */
    uint32_t settled;               /* which comes to this bucket next */
};

/* That of a queue, empty; NULL without memory. */
struct ledger *ledger_new(struct channel *queue);

/* It must be empty. */
void ledger_free(struct ledger *l);

static inline bool ledger_is_empty(const struct ledger *l)
{
    return !l || l->count == 0;
}

/* Messages that workers have, or that come back when their delay is over. */
static inline uint64_t ledger_held(const struct ledger *l)
{
    return l->count - l->returned_count;
}

/* Brings COUNT_held_messages up to date. */
void ledger_tally(struct ledger *l);

/* NULL when none of that number is there. */
struct held *ledger_find(const struct ledger *l, uint64_t number);

/* Enters one message, with a reference of its own; it is in no state yet. NULL
 * without memory. */
struct held *ledger_add(struct ledger *l, const struct slice *message);

/* Nothing is left of it; it is in no list and no heap. */
void ledger_remove(struct ledger *l, struct held *h);

/* It is OUT, from no state: the lane has it. */
void held_hand(struct held *h, struct subscriber *lane);

/* Takes it from its lane, whose worker has credit for another one then; it is
 * in no state. */
void held_release(struct held *h);

/* These two are for one in no state. */

/* It is RETURNED. */
void ledger_return(struct ledger *l, struct held *h);

/* It is DELAYED, until `due`. */
void ledger_delay(struct ledger *l, struct held *h, clock_ms due);

/* These two take out the first of a heap, which is in no state then; there must
 * be one. */
struct held *ledger_pop_returned(struct ledger *l);
struct held *ledger_pop_delayed(struct ledger *l);

/* Drops what is delayed; returns how many messages these were. NULL is allowed.
 */
uint64_t ledger_drop_delayed(struct ledger *l);

#endif
