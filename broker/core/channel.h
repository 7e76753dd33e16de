/* SPDX-License-Identifier: MIT
 *
 * channel - a topic or a queue: a name, its subscribers, and the open block
 * that messages published to it are appended to.
 *
 * Publishing only appends. When the turn is settled, the messages appended
 * since are committed as one slice: a topic gives it to every subscriber, a
 * queue adds it to what it holds. So the cost of a message does not depend on
 * the number of subscribers.
 *
 *     open block   0 ........ used ........ tail ........ capacity
 *                  committed,      pending,      room
 *                  given out
 *
 * The block is kept from turn to turn only while some of it is still held, and
 * soon at the size of its contents (slack.h).
 *
 * A channel exists while it has a subscriber, a message, a publisher at its
 * gate or a tap. It is freed when a turn ends, never before (core.c).
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
#include "broker/core/fullness.h"
#include "broker/core/gate.h"
#include "broker/core/rule.h"
#include "broker/core/turn.h"

struct ledger;
struct load;
struct subscriber;
struct tap;

enum {
    CHANNEL_MAGIC = 0x63,
    /* A channel that holds less is not pressed unless memory is exhausted. */
    CHANNEL_PRESS_BYTES = 64 << 10,
};

struct limits {
    uint64_t bytes;
    uint64_t messages; /* UINT64_MAX: no limit */
};

/* The operations in which topics and queues differ. NULL where there is nothing
 * to do. */
struct channel_kind {
    const char *name;
    size_t size;      /* bytes of its struct, which begins with a channel */
    bool is_lossless; /* keeps what it has accepted: under pressure its
                         publishers can be delayed, and nothing else */
    void (*init)(struct channel *ch);
    /* It begins. False when it cannot: there is no memory, or
     * it is one too many that is durable. */
    bool (*open)(struct channel *ch);
    /* It is freed, being unused. */
    void (*fini)(struct channel *ch);
    void (*joined)(struct channel *ch, struct subscriber *s);
    /* The subscriber has left; its outbox, counted, is still there. */
    void (*left)(struct channel *ch, struct subscriber *s);
    /* The subscriber gets nothing more, but stays a member. */
    void (*retired)(struct channel *ch, struct subscriber *s);
    /* Takes a committed slice, and gives numbers to its messages unless they
     * are dropped because nobody is there; adds references of its own. */
    void (*accept)(struct channel *ch, struct slice *slice);
    /* Hands out all messages that it can. */
    void (*hand_out)(struct channel *ch);
    /* So many bytes of a member's outbox were sent. */
    void (*sent)(struct channel *ch, struct subscriber *s, uint64_t bytes);
    /* A member's socket was offered all of its outbox, and some is left. */
    void (*flushed)(struct channel *ch, struct subscriber *s);
    void (*rule_changed)(struct channel *ch);
    /* The channel is to take a slice: has room for that. False when there is no
     * memory. */
    bool (*prepare)(struct channel *ch);
    /* The turn is over, and the open block was put to rest. */
    void (*rest)(struct channel *ch);
    /* Whether a message of so many bytes fits; if not, closes the gate until
     * it does. */
    bool (*admits)(struct channel *ch, uint64_t n);
    /* All who should read it from its beginning have joined. */
    void (*completed)(struct channel *ch);
    /* Somebody is shown numbers of its messages, from now on. */
    void (*number)(struct channel *ch);
    /* Bytes that may come in before the gate closes again. */
    uint64_t (*room)(const struct channel *ch);
    bool (*is_empty)(const struct channel *ch);
    /* Memory is short and this channel holds much of it: makes publishers
     * wait, or gives some back; when memory is exhausted, all it can. */
    void (*press)(struct channel *ch, bool is_exhausted);
    /* The owner of a member, whose outbox is not empty, holds more than it may:
     * makes publishers wait for it, or drops what it does not take. */
    void (*press_member)(struct subscriber *s);
    void (*relieve)(struct channel *ch);
    /* The messages that wait in the channel itself, */
    const struct backlog *(*held)(const struct channel *ch);
    /* those behind that, of which only the counts are known, */
    struct fill (*behind)(const struct channel *ch);
    /* and those that have come back, which are before them. */
    struct ledger *(*ledger)(const struct channel *ch);
    /* The bounds of the channel, or where it has none of its own, of each
     * subscriber; and those of the messages that wait for a subscriber. */
    struct limits (*limits)(const struct channel *ch);
    struct limits (*subscriber_limits)(const struct channel *ch);
    /* Drops the messages of up to so many slices that it holds, the oldest
     * first; returns how many these were. UINT32_MAX: all of them. */
    uint64_t (*purge)(struct channel *ch, uint32_t slices);
};

struct channel {
    uint32_t magic : 8;
    uint32_t slow_count : 24; /* of a topic: members that are SLOW */
    uint32_t room;      /* in the open block; 0 when not touched this turn */
    uint8_t *tail;      /* where the next message goes; valid if room > 0 */
    struct block *open; /* NULL when none of it is held */
    uint32_t pending;   /* messages appended and not committed */
    uint32_t member_count : 24; /* without those that have retired */
    bool is_fresh : 1;          /* it is new, or a message came; see
                                   channel_is_stale */
    bool is_dressed : 1;        /* what is pending, and `room` is 0; */
    bool is_bare : 1;           /* not again in this turn */
    bool has_plain : 1;         /* a member is SUBSCRIBER_PLAIN, */
    bool is_certain : 1;        /* certainly */
    bool is_open_held : 1;   /* this turn holds a reference on the open block */
    bool is_deliverable : 1; /* counted in the turn's `deliverable` */
    bool is_awaited : 1;     /* see channel_await */
    const struct channel_kind *kind;
    const struct rule *rule;
    struct turn *turn;
    struct account account; /* its blocks */
    struct load *load;      /* NULL while these are few; see pressure.c */
    struct tap *tap;        /* NULL when there is none */
    struct gate gate;
    struct channel *touched; /* the next one in the turn's list, the last one
                                being its own next; NULL when in none */
    struct list members;
    uint64_t base;   /* its messages have higher numbers; */
    uint64_t number; /* the last one has this */
    uint64_t messages_out, dropped;
    struct map_node node; /* by name */
};

enum publish_status {
    PUBLISH_OK,
    PUBLISH_WAIT,      /* taken; the publisher should wait at the gate */
    PUBLISH_NO_MEMORY, /* not taken */
};

/* Whether publishers should wait at the gate. */
static inline bool channel_must_wait(const struct channel *ch)
{
    return gate_must_wait(&ch->gate);
}

/* Whether it cannot take more. */
static inline bool channel_is_closed(const struct channel *ch)
{
    return ch->gate.closed > 0;
}

/* Whether it can take a message of `n` bytes, which its publisher keeps as long
 * as it cannot: the gate is then closed until there is room. */
static inline bool channel_admits(struct channel *ch, uint64_t n)
{
    return !channel_is_closed(ch) &&
           (!ch->kind->admits || ch->kind->admits(ch, n));
}

/* Whether publishers should wait, and a consumer alone can make room. */
static inline bool channel_needs_consumer(const struct channel *ch)
{
    return ch->kind->is_lossless && channel_must_wait(ch);
}

/* What the publisher of a message that was taken should do. */
static inline enum publish_status channel_taken_status(const struct channel *ch)
{
    return channel_must_wait(ch) ? PUBLISH_WAIT : PUBLISH_OK;
}

/* Where messages, as they will be delivered, can be appended one after another
 * without a call for each: *room bytes, which may be 0. Valid until the next
 * call about this channel. */
static inline uint8_t *channel_tail(const struct channel *ch, uint32_t *room)
{
    *room = ch->room;
    return ch->tail;
}

/* `bytes` bytes, `messages` messages, were written there. Returns the status
 * that channel_publish would have returned for the last message. */
static inline enum publish_status
channel_appended(struct channel *ch, uint32_t bytes, uint32_t messages)
{
    ch->tail += bytes;
    ch->room -= bytes;
    ch->pending += messages;
    return channel_taken_status(ch);
}

/* Where dressed messages can be appended one after another, the first of them
 * with the number channel_last_number() + 1: *room bytes, `least` or more.
 * Valid until the next call about this channel. NULL when a reader or a tap
 * takes them bare, or some were bare after dressed ones in this turn: readers
 * of both kinds would take turns with the block; or without memory. */
uint8_t *channel_dressed_tail(struct channel *ch, uint32_t least,
                              uint32_t *room);

/* The same for bare messages: as channel_tail(), but with room for `least`
 * bytes. NULL without memory. */
uint8_t *channel_bare_tail(struct channel *ch, uint32_t least, uint32_t *room);

/* As channel_appended(), in a dressed tail. */
static inline enum publish_status
channel_dressed_appended(struct channel *ch, uint32_t bytes, uint32_t messages)
{
    ch->tail += bytes;
    ch->pending += messages;
    return channel_taken_status(ch);
}

/* How many bytes of messages the channel admits whatever they are; 0: it has to
 * be asked for each message. */
uint64_t channel_open_room(const struct channel *ch);

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

/* Publishes one message with a text, which are copied; for the rest as
 * channel_publish. */
enum publish_status channel_publish_text(struct channel *ch,
                                         const uint8_t *text, uint32_t length,
                                         const uint8_t *bytes, uint32_t n);

/* Publishes one message that fills a sealed block, without copying it. The
 * channel takes references of its own. */
enum publish_status channel_publish_block(struct channel *ch,
                                          struct block *block);

static inline const uint8_t *channel_name(const struct channel *ch)
{
    return map_node_name(&ch->node);
}

static inline uint32_t channel_name_length(const struct channel *ch)
{
    return ch->node.length;
}

/* The number of the last message that was published; valid until the next one,
 * or the end of the turn. */
static inline uint64_t channel_last_number(const struct channel *ch)
{
    return ch->number + ch->pending;
}

/* The bytes of the messages that were published and are not committed. */
static inline uint64_t channel_pending_bytes(const struct channel *ch)
{
    return ch->pending > 0
               ? (uint64_t)(ch->tail - ch->open->bytes) - ch->open->used
               : 0;
}

struct depth {
    uint64_t messages, bytes;
    uint32_t age_ms; /* of the first */
};

/* What waits in the channel itself, for a consumer or the first subscriber. */
struct depth channel_depth(const struct channel *ch);

/* Whether it has a subscriber that is more than a SUBSCRIBER_PLAIN. */
bool channel_has_lanes(const struct channel *ch);

/* Each message goes to one subscriber. */
static inline bool channel_is_queue(const struct channel *ch)
{
    return ch->kind->is_lossless;
}

/* Hands the messages so far to the subscribers there are now. */
void channel_flush(struct channel *ch);

/* The first message that a channel has after it was made is new. */
static inline bool channel_is_new(const struct channel *ch, uint64_t number)
{
    return number == ch->base + 1;
}

/* The channel has subscribers that are still to be found, for messages that
 * come from now on. Those that join get all of these; publishers wait, so that
 * they are few. It is as good as new, and exists until channel_complete() says
 * that all have joined. */
void channel_await(struct channel *ch);
void channel_complete(struct channel *ch);

/* Whether subscribers are all that it exists for, each of them by a pattern
 * alone and owed nothing, and no message came since this was asked the time
 * before. Lowers *work by one for each subscriber visited. */
bool channel_is_stale(struct channel *ch, int32_t *work);

/* Whether no message came since it was made, or made to await. */
static inline bool channel_is_as_new(const struct channel *ch)
{
    return channel_last_number(ch) == ch->base;
}

/* How many subscribers it has that will get its next message. */
static inline uint32_t channel_member_count(const struct channel *ch)
{
    return ch->member_count;
}

/* Visits its subscribers in turn: the first becomes the last. NULL when there
 * are none. */
struct subscriber *channel_next_member(struct channel *ch);

/* What a publisher is told of a message that was just published. */
struct receipt {
    uint64_t number; /* 0: the message was for nobody */
    uint32_t readers;
    uint32_t slow;  /* of a topic: readers that miss it */
    uint64_t waits; /* of a queue: it is the last of so many that wait */
    bool is_queue;
};

/* That of the message that was published last. */
struct receipt channel_receipt(struct channel *ch);

/* What workers hold of it, or has come back; NULL when there is nothing. */
static inline struct ledger *channel_ledger(const struct channel *ch)
{
    return ch->kind->ledger ? ch->kind->ledger(ch) : NULL;
}

/* From here on for core/ alone. */

/* NULL when there is no memory. */
struct channel *channel_new(struct turn *t, const struct channel_kind *kind,
                            const struct rule *rule, const uint8_t *name,
                            uint32_t length);

/* It must be unused. */
void channel_free(struct channel *ch);

/* True when it has no subscriber, awaits none, and has no message, no publisher
 * at its gate and no tap. */
bool channel_is_unused(const struct channel *ch);

/* There is something to settle, or the channel may have become unused: it is
 * looked at when the turn ends. */
void channel_touch(struct channel *ch);

static inline bool channel_is_touched(const struct channel *ch)
{
    return ch->touched != NULL;
}

/* The one that was touched next, NULL when none was. */
static inline struct channel *channel_touched_next(const struct channel *ch)
{
    return ch->touched == ch ? NULL : ch->touched;
}

/* Takes the first one out of the turn's list, which is not empty. */
void channel_untouch_first(struct turn *t);

/* Gives numbers to the messages of a slice, which is new. */
static inline void channel_number(struct channel *ch, struct slice *slice)
{
    slice->first = ch->number + 1;
    ch->number += slice->messages;
}

/* Makes a slice of the pending messages and gives it to the kind. */
void channel_commit_pending(struct channel *ch);

static inline void channel_commit(struct channel *ch)
{
    if (ch->pending > 0)
        channel_commit_pending(ch);
}

/* Messages to or for this channel were lost, counted as `why`. */
void channel_count_dropped(struct channel *ch, uint64_t messages,
                           enum counter_id why);

/* The turn is over: frees the open block, unless some of it is held. Returns
 * whether that may soon be acknowledged, and is little for the common size. */
bool channel_rest(struct channel *ch);

/* Shrinks the open block to the part that is held, unless this turn appends to
 * it. */
void channel_shrink(struct channel *ch);

/* One more reason for publishers to wait, and one less; see gate.h. */
void channel_close_gate(struct channel *ch);
void channel_open_gate(struct channel *ch);

#endif
