/* SPDX-License-Identifier: MIT
 *
 * held - messages of a queue that were handed to a worker, which their queue
 * keeps until they are acknowledged; and the ledger of all these of one queue.
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
 *
 * An entry is a run of messages that follow one another, since most are handed
 * out and acknowledged in runs. It is split when one of them fares otherwise.
 * So that an entry is found by the number of any of its messages, none goes
 * beyond a multiple of HELD_RUN:
 *
 *     bucket of 32..47      [ 35 36 37 ]  [ 40 41 42 43 44 45 46 47 ]
 *     bucket of 48..63      [ 48 49 ]
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

enum { HELD_RUN = 16 }; /* a power of two */

enum held_state { HELD_OUT, HELD_DELAYED, HELD_RETURNED };

/* Of these there may be very many: see bench.held. */
struct held {
    struct slice slice; /* with a reference on the block */
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
    bool is_sent;  /* the last byte was handed to the kernel */
};

struct ledger {
    struct channel *channel;
    struct held **buckets; /* by number */
    uint32_t bucket_count; /* a power of two */
    uint32_t entries;
    uint64_t count;          /* messages in them, */
    uint64_t bytes;          /* and their bytes */
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

/* How many messages, beginning with this number, can be one entry. */
static inline uint32_t held_most(uint64_t number)
{
    return HELD_RUN - (uint32_t)(number % HELD_RUN);
}

/* The entry that has the message of that number; NULL when there is none. */
struct held *ledger_find(const struct ledger *l, uint64_t number);

/* Enters so many messages at most as can be one entry, with a reference of its
 * own; it is in no state yet. NULL without memory. */
struct held *ledger_add(struct ledger *l, const struct slice *messages);

/* Nothing is left of it; it is in no list and no heap. */
void ledger_remove(struct ledger *l, struct held *h);

/* The entry keeps its first `messages`, not all; the others become one of their
 * own behind it, which is returned. It is OUT, or in no state. NULL without
 * memory. */
struct held *ledger_split(struct ledger *l, struct held *h, uint32_t messages);

/* The first `messages` of an entry that is OUT, not all, are gone. */
void ledger_trim(struct ledger *l, struct held *h, uint32_t messages);

/* It is OUT, from no state: the lane has it. */
void held_hand(struct held *h, struct subscriber *lane);

/* Takes it from its lane, whose worker has credit for others then; it is in no
 * state. */
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
