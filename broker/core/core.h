/* SPDX-License-Identifier: MIT
 *
 * core - the broker as a domain: channels, subscribers, publishers, bounds.
 * It knows no socket, no wire format and no clock: its owner sets the time,
 * publishes, subscribes and leaves as its clients do, and ends the turn. Only
 * then does the core call its owner.
 */
#ifndef SLUICE_CORE_CORE_H
#define SLUICE_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/budget.h"
#include "broker/base/clock.h"
#include "broker/base/counters.h"
#include "broker/base/list.h"
#include "broker/base/map.h"
#include "broker/core/block.h"
#include "broker/core/channel.h"
#include "broker/core/publisher.h"
#include "broker/core/rule.h"
#include "broker/core/subscriber.h"

struct core_config {
    const struct rule *rules; /* the first that matches holds; the pattern of
                                 the last one matches every name */
    size_t rule_count;
    uint64_t prefetch_bytes; /* what a consumer holds in advance */
    uint64_t turn_bytes;     /* what a publisher brings in one read */
    /* Messages lie one after another; only this knows where one ends. */
    message_size_fn *message_size;
};

/* What the core asks of the owner of its subscribers and publishers. */
struct core_owner {
    /* Offers the outbox to the socket: reports with subscriber_sent what was
     * taken, and then calls subscriber_flushed. Any subscriber may leave. */
    void (*flush)(void *arg, struct subscriber *s);
    /* Closes the connection, which makes the subscriber leave. */
    void (*close)(void *arg, struct subscriber *s);
    /* The publisher may be read again. */
    void (*resume)(void *arg, struct publisher *p);
    /* Notices, for the log: these may not call the core. */
    void (*slow)(void *arg, struct subscriber *s);
    void (*recovered)(void *arg, struct subscriber *s);
    /* Memory is short, and this channel holds much of it. */
    void (*pressed)(void *arg, const struct channel *ch);
    void *arg;
};

struct core {
    struct core_config config;
    struct core_owner owner;
    struct counters *counters;
    struct budget *budget;
    struct block_pool pool;
    struct map channels;
    struct list touched;    /* channels with something to settle */
    struct list dirty;      /* subscribers with something to send */
    struct list busy;       /* subscribers that publishers wait for */
    struct list doomed;     /* subscribers to be closed by their owners */
    struct list heavy;      /* channels that hold much, and small ones that */
    struct list light;      /* are asked as the last resort; for pressure.c */
    struct list open_gates; /* gates that are open and have waiters */
    struct list resumed;    /* publishers that need not wait any more */
    struct list taps;       /* all that are open */
    uint64_t epoch;         /* changes when a channel is freed */
    size_t swept_slots;     /* of the channels, by pressure.c */
    uint32_t open_blocks;   /* opened in this turn */
    uint32_t joined;        /* subscribers so far */
    clock_ms now;
    bool is_in_turn;    /* core_deliver or core_end_turn is running */
    bool is_unfinished; /* a queue could not give for want of memory */
    bool is_stopping;   /* what is not delivered any more is counted so */
};

/* All pointers are borrowed for the life of the core. */
void core_init(struct core *c, const struct core_config *config,
               const struct core_owner *owner, struct counters *counters,
               struct budget *budget);

/* Drops what queues still hold, counting it. No subscriber may be left. */
void core_purge(struct core *c);

/* No subscriber may be left. */
void core_fini(struct core *c);

static inline void core_set_now(struct core *c, clock_ms now)
{
    c->now = now;
}

/* Where a message to this name goes: a channel, or NULL with the counter of
 * those that go nowhere in *why. A queue that does not exist comes into
 * being; when there is no memory for it, *why is COUNT_dropped_no_memory. The
 * channel is valid until c->epoch changes. */
struct channel *core_route(struct core *c, const uint8_t *name, uint32_t length,
                           enum counter_id *why);

/* Remembers a channel that may be freed meanwhile; all zeros is none. */
struct channel_ref {
    struct channel *channel;
    uint64_t epoch;
};

/* The channel, or NULL when there was none or one has been freed since. */
static inline struct channel *channel_ref_get(const struct channel_ref *ref,
                                              const struct core *c)
{
    return ref->epoch == c->epoch ? ref->channel : NULL;
}

/* `ch` may be NULL. */
static inline void channel_ref_set(struct channel_ref *ref,
                                   const struct core *c, struct channel *ch)
{
    *ref = (struct channel_ref){ch, c->epoch};
}

/* The subscriber, which must be NONE, joins the channel of this name (not of
 * the kind ROUTE_NULL). Sees what is published from now on. False when there
 * is no memory. */
bool core_subscribe(struct core *c, struct subscriber *s, const uint8_t *name,
                    uint32_t length);

/* The channel of this name, which comes into being if need be; NULL when
 * there is no memory. For core/ alone. */
struct channel *core_obtain(struct core *c, const uint8_t *name,
                            uint32_t length);

/* The rule that holds for channels of this name. */
const struct rule *core_find_rule(const struct core *c, const uint8_t *name,
                                  size_t length);

/* Other rules and bounds from now on, for the channels that exist as well.
 * What they hold already stays, but for topics that hold nothing any more. */
void core_configure(struct core *c, const struct core_config *config);

/* Ends the turn of the loop: delivers, admits publishers that wait, as many
 * as there is room for, and has them resumed. Calls the owner; may not be
 * called by it from there. */
void core_end_turn(struct core *c);

/* Only delivers, so that a turn that reads much does not keep it all until
 * its end. Otherwise like core_end_turn. */
void core_deliver(struct core *c);

/* Between turns: true while another one would do something even if nothing
 * came in. */
bool core_has_work(const struct core *c);

/* From now on what is not delivered is counted as dropped by stopping. */
static inline void core_stop(struct core *c)
{
    c->is_stopping = true;
}

/* Looks for busy subscribers whose patience is over, and has queues try again
 * that had no memory to give. To be called at least every CORE_TICK_MS while
 * core_is_ticking; end the turn afterwards. */
void core_tick(struct core *c);

enum { CORE_TICK_MS = 20 };

static inline bool core_is_ticking(const struct core *c)
{
    return !list_is_empty(&c->busy) || c->is_unfinished;
}

/* True while a queue holds messages and has a consumer to give them to. */
bool core_is_deliverable(const struct core *c);

#endif
