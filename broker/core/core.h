/* SPDX-License-Identifier: MIT
 *
 * core - the broker as a domain: channels, subscribers, publishers, bounds.
 * It knows no socket, no wire format and no clock: its owner sets the time,
 * publishes, subscribes and leaves as its clients do, and ends the turn. Only
 * then does the core call its owner (core_owner.h).
 */
#ifndef SLUICE_CORE_CORE_H
#define SLUICE_CORE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/counters.h"
#include "broker/base/list.h"
#include "broker/core/channel.h"
#include "broker/core/directory.h"
#include "broker/core/keeper.h"
#include "broker/core/pressure.h"
#include "broker/core/publisher.h"
#include "broker/core/slack.h"
#include "broker/core/subscriber.h"
#include "broker/core/turn.h"

struct core {
    struct turn turn;
    struct keeper keeper;
    struct directory directory;
    struct pressure pressure;
    struct slack slack;
};

enum {
    CORE_TICK_MS = 20,
    CORE_ADMIT_MAX = 16, /* publishers in one turn, which others wait for */
};

/* All pointers are borrowed for the life of the core. */
void core_init(struct core *c, const struct core_config *config,
               const struct core_owner *owner, struct counters *counters,
               struct budget *budget);

/* Queues may be durable from now on: those that the store has become channels
 * again, with all that they held. To be called before anything is published.
 * False when there is no memory for that, or a name is not that of a queue.
 * `ops` and `store` are borrowed until the core is purged. */
bool core_open_store(struct core *c, const struct store_ops *ops, void *store);

/* Takes what the store has done, which it rings its owner for; end the turn
 * afterwards. */
static inline void core_reap(struct core *c)
{
    keeper_reap(&c->keeper);
}

/* The number of this turn, and of the last one of which all that was published
 * to durable queues is on disk. */
static inline uint64_t core_turn(const struct core *c)
{
    return c->keeper.turn;
}
static inline uint64_t core_durable_turn(const struct core *c)
{
    return keeper_durable_turn(&c->keeper);
}

/* Whether there is a store: queues may be durable. To a client of version 1 an
 * orderly end then says that what it published is on disk. */
static inline bool core_has_store(const struct core *c)
{
    return c->turn.keeper != NULL;
}

/* Whether messages that are published to this name now are kept in the store.
 */
bool core_is_durable(const struct core *c, const uint8_t *name,
                     uint32_t length);

static inline enum store_state core_store_state(const struct core *c)
{
    return c->keeper.state;
}

/* Whether the store has no space for a message of so many bytes. */
static inline bool core_store_lacks_room(const struct core *c, uint64_t bytes)
{
    return c->keeper.state == STORE_FULL ||
           keeper_lacks_room(&c->keeper, bytes);
}

/* What is not on disk will not be before the broker is started again. */
static inline bool core_store_has_failed(const struct core *c)
{
    return c->keeper.state == STORE_FAILED;
}

/* Drops what queues still hold, counting it, and closes taps. What durable ones
 * hold stays in the store, which must be closed, and reaped to its end. No
 * subscriber and no waiting publisher may be left. */
void core_purge(struct core *c);

/* Frees the core, after purging it as core_purge() does. */
void core_fini(struct core *c);

static inline void core_set_now(struct core *c, clock_ms now)
{
    c->turn.now = now;
}

/* From now on undelivered messages are counted as dropped by stopping, and
 * durable ones need not be delivered. */
void core_stop(struct core *c);

static inline bool core_is_stopping(const struct core *c)
{
    return c->turn.is_stopping;
}

/* Other rules and bounds from now on, also for the channels that exist.
 * Messages that they hold already stay, except in topics that may no longer
 * hold any. */
void core_configure(struct core *c, const struct core_config *config);

/* The pool of blocks whose messages will be published here. */
static inline struct block_pool *core_pool(struct core *c)
{
    return &c->turn.pool;
}

/* How much a consumer may hold in advance. */
static inline uint64_t core_prefetch_bytes(const struct core *c)
{
    return c->turn.config.prefetch_bytes;
}

/* The channel that a message to this name goes to. NULL when it goes to none:
 * *why is then the counter for it. A queue that does not exist is created; when
 * it cannot be, *why is COUNT_dropped_no_memory, and core_refusal() says more.
 * The channel is valid until the turn ends; see channel_ref. */
struct channel *core_route(struct core *c, const uint8_t *name, uint32_t length,
                           enum counter_id *why);

/* The subscriber, which must be NONE, joins the channel of this name, which
 * must not be of the class NAME_NULL. It receives the messages published from
 * now on. False when there can be no such channel; see core_refusal(). */
bool core_subscribe(struct core *c, struct subscriber *s, const uint8_t *name,
                    uint32_t length);

/* Why a channel could not be made, after one of the above has said so. */
static inline enum refusal core_refusal(const struct core *c)
{
    return c->turn.refusal;
}

/* Remembers a channel from turn to turn; all zeros: no channel. */
struct channel_ref {
    struct channel *channel;
    uint64_t epoch;
};

/* The channel, or NULL when there was none or one has been freed since. */
static inline struct channel *channel_ref_get(const struct channel_ref *ref,
                                              const struct core *c)
{
    return ref->epoch == c->directory.epoch ? ref->channel : NULL;
}

/* `ch` may be NULL. */
static inline void channel_ref_set(struct channel_ref *ref,
                                   const struct core *c, struct channel *ch)
{
    *ref = (struct channel_ref){ch, c->directory.epoch};
}

/* Ends the turn of the loop: delivers, admits publishers that wait, as many
 * as there is room for, up to CORE_ADMIT_MAX, and has them resumed. Calls the
 * owner, which may not end a turn or deliver from there. */
void core_end_turn(struct core *c);

/* Only delivers, so that a turn that reads much does not keep it all until
 * its end. Otherwise like core_end_turn. */
void core_deliver(struct core *c);

/* Between turns: true while another one would do something even if nothing
 * came in. */
bool core_has_work(const struct core *c);

/* Between turns: true when no queue holds messages for the consumers that it
 * has, no worker has any to acknowledge, and nothing is due. The owner knows
 * what outboxes hold. */
bool core_is_drained(const struct core *c);

/* Looks for busy subscribers that are not to be waited for any longer, has
 * queues try again that had no memory to hand out messages, and shrinks the
 * blocks of channels that rest. To be called at
 * least every CORE_TICK_MS while core_is_ticking; end the turn afterwards. */
void core_tick(struct core *c);

/* In how many milliseconds core_tick is due, whether it is ticking or not;
 * UINT32_MAX: it need not be called. */
static inline uint32_t core_alarm_ms(const struct core *c)
{
    return turn_alarm_ms(&c->turn);
}

static inline bool core_is_ticking(const struct core *c)
{
    return !list_is_empty(&c->turn.busy) || !list_is_empty(&c->turn.wary) ||
           c->turn.is_starved || !list_is_empty(&c->keeper.trails) ||
           slack_is_any(&c->slack);
}

#endif
