/* SPDX-License-Identifier: MIT
 *
 * held - messages of a queue that were handed to a worker and are not
 * acknowledged. A worker is a consumer that acknowledges; it may read several
 * queues, with one window for all of them. A queue has a ledger of what workers
 * hold of it, made when the first of them holds something.
 */
#ifndef SLUICE_CORE_HELD_H
#define SLUICE_CORE_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/idmap.h"
#include "broker/base/list.h"
#include "broker/core/slice.h"
#include "broker/core/turn.h"

struct channel;

struct worker {
    const void *owner;  /* whose acknowledgements count */
    uint32_t credit;    /* how many it may hold, */
    uint32_t held;      /* and how many it holds */
    uint32_t wait_ms;   /* to acknowledge one; 0: as long as it likes */
    uint32_t lanes;     /* for the owner: places in queues */
    struct list holds;  /* struct held, in the order of handing over */
    struct list hungry; /* subscribers without credit, by their `ready` */
};

struct held {
    struct turn_alarm alarm; /* the worker's time, or a delay, is over */
    struct list link;        /* of the worker, or of the ledger's delayed */
    struct worker *worker;   /* NULL: delayed */
    struct channel *channel;
    struct slice slice; /* one message, with a reference on the block */
    bool is_sent;       /* its last byte was handed to the kernel */
};

struct ledger {
    struct idmap by_number;
    struct list delayed;
    uint64_t bytes;
    uint64_t counted; /* messages, in COUNT_held_messages */
};

/* Nothing is held. */
void worker_init(struct worker *w, const void *owner, uint32_t credit,
                 uint32_t wait_ms);

static inline bool worker_has_credit(const struct worker *w)
{
    return w->held < w->credit;
}

/* NULL without memory; to be freed by ledger_free, empty. */
struct ledger *ledger_new(struct budget *budget);
void ledger_free(struct ledger *l, struct budget *budget);

static inline bool ledger_is_empty(const struct ledger *l)
{
    return !l || l->by_number.count == 0;
}

/* Brings COUNT_held_messages up to date. NULL is allowed. */
void ledger_count(struct ledger *l, struct counters *counters);

/* Drops what is delayed; returns how many messages these were. NULL is allowed.
 */
uint64_t ledger_drop_delayed(struct ledger *l);

/* The worker holds the message from now on; takes a reference of its own. NULL
 * without memory. */
struct held *held_new(struct ledger *l, struct worker *w, struct channel *ch,
                      const struct slice *message);

/* NULL when none of that number is held. */
struct held *held_find(const struct ledger *l, uint64_t number);

/* It is done: nothing of it is left. */
void held_free(struct held *h, struct ledger *l);

/* The worker gives it up, which gives it credit; it is delayed from now on. */
void held_give_up(struct held *h, struct ledger *l);

#endif
