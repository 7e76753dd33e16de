/* SPDX-License-Identifier: MIT
 *
 * worker - a consumer of queues that acknowledges what it is given. It may read
 * several queues, with one window for all of them: a lane in each. A client may
 * be several workers, and what it holds in all is bounded as well.
 */
#ifndef SLUICE_CORE_WORKER_H
#define SLUICE_CORE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/core/turn.h"

struct budget;

enum { HOLDER_MAX = 65535 };

/* A client, with all its workers. */
struct holder {
    const void *owner;   /* whose acknowledgements count */
    uint32_t held;       /* by all its workers: HOLDER_MAX at most */
    struct list workers; /* by their `peer` */
};

struct worker {
    struct holder *holder;
    struct list peer;
    uint32_t credit;     /* how many messages it may hold, */
    uint32_t held;       /* and how many it holds */
    uint32_t wait_ms;    /* to acknowledge one; 0: as long as it likes */
    uint32_t users;      /* see worker_ref() */
    struct list holds;   /* struct held: those whose time does not run, */
    struct list clocked; /* and the others; those that end first come first */
    struct list hungry;  /* subscribers without credit, by their `ready` */
    struct list fed;     /* of the turn, if some stay hungry that might get
                            what others of them do not take */
    struct turn_alarm alarm; /* the first of `clocked` may be over */
};

/* It has no worker. */
void holder_init(struct holder *h, const void *owner);

/* Nothing is held. */
void worker_init(struct worker *w, struct holder *holder, uint32_t credit,
                 uint32_t wait_ms);

/* It holds nothing, and is no lane's any more. */
void worker_fini(struct worker *w);

/* A worker with one user; `peer` is another one of this owner, NULL when there
 * is none. NULL without memory. */
struct worker *worker_new(struct budget *budget, const void *owner,
                          const struct worker *peer, uint32_t credit,
                          uint32_t wait_ms);

/* One more user. */
static inline void worker_ref(struct worker *w)
{
    w->users++;
}

/* One less; without any it is freed. */
void worker_unref(struct worker *w, struct budget *budget);

/* How many messages more it may hold. */
static inline uint32_t worker_credit(const struct worker *w)
{
    uint32_t own = w->held < w->credit ? w->credit - w->held : 0;
    uint32_t all = HOLDER_MAX - w->holder->held;
    return own < all ? own : all;
}

/* Whether it may hold one more. */
static inline bool worker_has_credit(const struct worker *w)
{
    return w->held < w->credit && w->holder->held < HOLDER_MAX;
}

#endif
