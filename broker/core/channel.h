/* SPDX-License-Identifier: MIT
 *
 * channel - a topic or a queue: a name, its subscribers, and the open block
 * that what is published to it is appended to.
 *
 * Publishing only appends. When the turn is settled, what was appended since
 * is committed as one slice: a topic gives it to every subscriber, a queue
 * adds it to what it holds. So the cost of a message does not depend on the
 * number of subscribers.
 *
 *     open block   0 ...... committed ...... tail ...... capacity
 *                  given out,     pending,       room
 *
 * The block is kept from turn to turn only while somebody still holds some of
 * it, and then at the size of what is in it.
 *
 * The fields are for the files of core/ alone.
 */
#ifndef SLUICE_CORE_CHANNEL_H
#define SLUICE_CORE_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "broker/base/list.h"
#include "broker/base/map.h"
#include "broker/core/backlog.h"
#include "broker/core/block.h"
#include "broker/core/gate.h"
#include "broker/core/rule.h"
#include "broker/core/subscriber.h"

enum {
    CHANNEL_MAGIC = 0x6368616e,
    /* Who holds less is not asked for memory, unless none is left. */
    CHANNEL_PRESS_BYTES = 64 << 10,
};

/* What topics and queues do differently. NULL where there is nothing to do. */
struct channel_kind {
    const char *name;
    size_t size; /* bytes of its struct, which begins with a channel */
    void (*init)(struct channel *ch);
    void (*joined)(struct channel *ch, struct subscriber *s);
    /* The subscriber is gone; its outbox, settled, is still there. */
    void (*left)(struct channel *ch, struct subscriber *s);
    /* The subscriber takes part no longer, but stays a member. */
    void (*retired)(struct channel *ch, struct subscriber *s);
    /* Takes a committed slice; adds references of its own. */
    void (*accept)(struct channel *ch, const struct slice *slice);
    /* Hands out what can be handed out. */
    void (*settle)(struct channel *ch);
    /* Some of a member's outbox went out. */
    void (*sent)(struct channel *ch, struct subscriber *s);
    /* A member's socket was offered all of its outbox, and some is left. */
    void (*flushed)(struct channel *ch, struct subscriber *s);
    /* Bytes that may come in before the gate closes again. */
    uint64_t (*room)(const struct channel *ch);
    bool (*is_empty)(const struct channel *ch);
    /* Memory is short and this channel holds much of it: takes in no more, or
     * gives some back; as the last resort, whatever can be given back. */
    void (*press)(struct channel *ch, bool is_last_resort);
    void (*relieve)(struct channel *ch);
    /* What waits in the channel itself. */
    const struct backlog *(*held)(const struct channel *ch);
    /* Drops what it holds; returns how many messages that were. */
    uint64_t (*purge)(struct channel *ch);
};

struct channel {
    uint32_t magic;
    uint32_t room;      /* in the open block; 0 when not touched this turn */
    uint8_t *tail;      /* where the next message goes; valid if room > 0 */
    struct block *open; /* NULL when nobody holds any of it */
    uint32_t committed; /* offset in the open block */
    uint32_t pending;   /* messages appended and not committed */
    const struct channel_kind *kind;
    const struct rule *rule;
    struct core *core;
    struct account account; /* its blocks */
    struct heavy *heavy;    /* NULL while these are few; see pressure.c */
    struct gate gate;
    struct list touched; /* in the core's list until the turn ends */
    struct list members;
    uint64_t messages_in, messages_out, dropped;
    struct map_node node; /* by name */
    uint32_t member_count : 30;
    bool is_open_held : 1; /* this turn holds a reference on the open block */
    bool is_tapped : 1;    /* somebody looks on: see tap.h */
};

enum publish_status {
    PUBLISH_OK,
    PUBLISH_WAIT,      /* taken; the publisher should wait at the gate */
    PUBLISH_NO_MEMORY, /* not taken */
};

/* What whoever has published should do. */
static inline enum publish_status channel_gate_status(const struct channel *ch)
{
    return ch->gate.is_shut ? PUBLISH_WAIT : PUBLISH_OK;
}

/* Where messages, as they will be delivered, can be appended one after another
 * without a call for each: *room bytes, which may be none. Valid until the
 * next call about this channel. */
static inline uint8_t *channel_tail(const struct channel *ch, uint32_t *room)
{
    *room = ch->room;
    return ch->tail;
}

/* So much was written there. The same answer as for the last message of it. */
static inline enum publish_status
channel_appended(struct channel *ch, uint32_t bytes, uint32_t messages)
{
    ch->tail += bytes;
    ch->room -= bytes;
    ch->pending += messages;
    return channel_gate_status(ch);
}

/* Publishes one message: `bytes` as they will be delivered, which are copied.
 * Never calls back. */
enum publish_status channel_publish_slowly(struct channel *ch,
                                           const uint8_t *bytes, uint32_t n);

static inline enum publish_status
channel_publish(struct channel *ch, const uint8_t *bytes, uint32_t n)
{
    if (n > ch->room)
        return channel_publish_slowly(ch, bytes, n);
    memcpy(ch->tail, bytes, n);
    return channel_appended(ch, n, 1);
}

/* Publishes one message that fills a sealed block, without copying it. The
 * channel takes references of its own. */
enum publish_status channel_publish_block(struct channel *ch,
                                          struct block *block);

static inline bool channel_is_shut(const struct channel *ch)
{
    return ch->gate.is_shut;
}

/* Whether it cannot take more: not merely others are waiting. */
static inline bool channel_is_full(const struct channel *ch)
{
    return ch->gate.closed > 0;
}

static inline const uint8_t *channel_name(const struct channel *ch)
{
    return map_node_name(&ch->node);
}

static inline uint32_t channel_name_length(const struct channel *ch)
{
    return ch->node.length;
}

/* For core/ alone from here on. */

/* NULL when there is no memory. */
struct channel *channel_new(struct core *c, const struct channel_kind *kind,
                            const uint8_t *name, uint32_t length);

/* True when it has no subscriber and no tap, holds no message and has no
 * publisher at its gate. */
bool channel_is_unused(const struct channel *ch);

/* The channel is unused and no longer in the map. */
void channel_free(struct channel *ch);

/* There is something to settle, or the channel may have become unused: it is
 * looked at when the turn ends. */
void channel_touch(struct channel *ch);

/* What is pending becomes a slice and is given to the kind. */
void channel_commit(struct channel *ch);

/* The turn is over: the open block goes, or shrinks to what is held of it. */
void channel_rest(struct channel *ch);

void channel_close_gate(struct channel *ch);
void channel_open_gate(struct channel *ch);

#endif
