/* SPDX-License-Identifier: MIT */
#include "broker/core/queue.h"

#include <assert.h>

#include "broker/core/core.h"

enum { QUEUE_COPY_BYTES = 1 << 10 };

struct queue {
    struct channel channel;
    struct backlog *backlog;
    struct list ready; /* consumers with room; the first is next */
    bool is_full;      /* holds its gate closed */
    bool is_pressed;   /* holds it closed as well, memory being short */
};

static struct queue *queue_of(const struct channel *ch)
{
    assert(ch->kind == &queue_kind);
    return (struct queue *)(void *)ch;
}

static struct counters *counters_of(const struct queue *q)
{
    return q->channel.core->counters;
}

static void queue_init(struct channel *ch)
{
    list_init(&queue_of(ch)->ready);
    queue_of(ch)->backlog = BACKLOG_NONE;
}

static void queue_count(struct queue *q, int64_t messages, int64_t bytes)
{
    counter_add(counters_of(q), COUNT_queued_messages, (uint64_t)messages);
    counter_add(counters_of(q), COUNT_queued_bytes, (uint64_t)bytes);
}

static bool queue_is_ready(const struct subscriber *s)
{
    return !list_is_empty(&s->turn);
}

/* Among those that are ready, in the order of joining: behind the one that
 * joined last before it, wherever the round is; behind all if it is the
 * oldest. */
static void queue_make_ready(struct queue *q, struct subscriber *s)
{
    struct list *pos = &q->ready;
    uint64_t best = 0;
    LIST_EACH (link, &q->ready) {
        struct subscriber *o = LIST_OF(link, struct subscriber, turn);
        if (o->order < s->order && o->order >= best) {
            best = o->order;
            pos = link->next;
        }
    }
    list_insert(pos, &s->turn);
}

static void queue_joined(struct channel *ch, struct subscriber *s)
{
    queue_make_ready(queue_of(ch), s);
    channel_touch(ch);
}

static void queue_retired(struct channel *ch, struct subscriber *s)
{
    (void)ch;
    list_remove(&s->turn);
    s->state = SUBSCRIBER_RETIRED;
}

static void queue_take_back_slice(struct queue *q, const struct slice *s)
{
    struct core *c = q->channel.core;
    if (s->length == 0)
        return;
    if (!backlog_own(&q->backlog, c->budget) ||
        !backlog_push_front(q->backlog, c->budget, s)) {
        counter_add(c->counters, COUNT_dropped_no_memory, s->messages);
        q->channel.dropped += s->messages;
        return;
    }
    queue_count(q, s->messages, s->length);
    counter_add(c->counters, COUNT_returned, s->messages);
}

/* What it holds may have fallen: it is weighed when the turn ends. */
static void queue_check_relief(struct queue *q)
{
    if (q->is_pressed)
        channel_touch(&q->channel);
}

static void queue_left(struct channel *ch, struct subscriber *s)
{
    struct queue *q = queue_of(ch);
    struct backlog *outbox = s->outbox;
    list_remove(&s->turn);
    queue_check_relief(q);
    if (backlog_is_empty(outbox))
        return;
    for (uint32_t i = outbox->count; i-- > 0;) {
        struct slice back = *backlog_at(outbox, i);
        queue_take_back_slice(q, &back);
    }
    channel_touch(ch);
}

static void queue_accept(struct channel *ch, const struct slice *slice)
{
    struct queue *q = queue_of(ch);
    if (!backlog_own(&q->backlog, ch->core->budget) ||
        !backlog_push(q->backlog, ch->core->budget, slice)) {
        counter_add(counters_of(q), COUNT_dropped_no_memory, slice->messages);
        ch->dropped += slice->messages;
        return;
    }
    queue_count(q, slice->messages, slice->length);
}

static const uint8_t *queue_head(const struct queue *q)
{
    const struct slice *head = backlog_first(q->backlog);
    return head->block->bytes + head->offset;
}

static bool queue_fits(const struct queue *q, uint64_t held, uint32_t n)
{
    return held == 0 || held + n <= q->channel.core->config.prefetch_bytes;
}

/* Measures how much of the start of the head slice the consumer has room
 * for. */
static uint32_t queue_measure(const struct queue *q, const struct subscriber *s,
                              uint32_t *messages)
{
    const struct core_config *config = &q->channel.core->config;
    const uint8_t *start = queue_head(q);
    uint32_t whole = backlog_first(q->backlog)->length;
    uint64_t held = backlog_held_bytes(s->outbox);
    uint32_t length = 0;
    *messages = 0;
    while (length < whole) {
        uint32_t n = config->message_size(start + length);
        if (!queue_fits(q, held, n))
            break;
        held += n;
        length += n;
        ++*messages;
    }
    return length;
}

static bool queue_is_alone(const struct queue *q)
{
    return q->ready.next == q->ready.prev;
}

/* Without memory to give it away it stays, and the consumer in the round. */
static void queue_keep(struct queue *q, const struct slice *given)
{
    struct core *c = q->channel.core;
    if (backlog_push_front(q->backlog, c->budget, given))
        return;
    counter_add(c->counters, COUNT_dropped_no_memory, given->messages);
    q->channel.dropped += given->messages;
}

static bool queue_give_slice(struct queue *q, struct subscriber *s,
                             uint32_t length, uint32_t messages)
{
    struct core *c = q->channel.core;
    struct slice given = backlog_take(q->backlog, c->budget, length, messages);
    bool is_given = subscriber_push(c, s, &given);
    if (!is_given)
        queue_keep(q, &given);
    block_unref(given.block);
    return is_given;
}

/* A small message is copied to the others that its consumer is given: as
 * slices of the block they came in, shared out one by one, they would cost
 * more, and each would pin all of it. */
static bool queue_give_copy(struct queue *q, struct subscriber *s, uint32_t n)
{
    struct core *c = q->channel.core;
    clock_ms at = backlog_first(q->backlog)->at;
    if (!subscriber_gather(c, s, queue_head(q), n, at))
        return false;
    backlog_skip(q->backlog, c->budget, n);
    return true;
}

/* One step of the round: the consumer whose turn it is gets its share, one
 * message or, if it is alone, as many as fit, and goes to the end; or it
 * leaves the round for want of room. False when there is no memory to go
 * on. */
static bool queue_give(struct queue *q, struct subscriber *s)
{
    uint32_t messages = 1;
    bool is_alone = queue_is_alone(q), is_given;
    uint32_t n = q->channel.core->config.message_size(queue_head(q));
    bool fits = queue_fits(q, backlog_held_bytes(s->outbox), n);
    list_remove(&s->turn);
    if (!fits)
        return true;
    if (is_alone)
        n = queue_measure(q, s, &messages);
    if (!is_alone && n <= QUEUE_COPY_BYTES)
        is_given = queue_give_copy(q, s, n);
    else
        is_given = queue_give_slice(q, s, n, messages);
    list_insert(&q->ready, &s->turn);
    return is_given;
}

static void queue_update_gate(struct queue *q)
{
    const struct rule *rule = q->channel.rule;
    const struct backlog *b = q->backlog;
    if (!q->is_full && (b->bytes >= rule->limit_bytes ||
                        b->messages >= rule->limit_messages)) {
        q->is_full = true;
        channel_close_gate(&q->channel);
    } else if (q->is_full && b->bytes <= rule->limit_bytes / 2 &&
               b->messages <= rule->limit_messages / 2) {
        q->is_full = false;
        channel_open_gate(&q->channel);
    }
}

static void queue_settle(struct channel *ch)
{
    struct queue *q = queue_of(ch);
    int64_t messages = (int64_t)q->backlog->messages;
    int64_t bytes = (int64_t)q->backlog->bytes;
    while (!backlog_is_empty(q->backlog) && !list_is_empty(&q->ready) &&
           queue_give(q, LIST_OF(q->ready.next, struct subscriber, turn)))
        continue;
    queue_count(q, (int64_t)q->backlog->messages - messages,
                (int64_t)q->backlog->bytes - bytes);
    /* Without memory to go on: when the consumers have nothing and nobody may
     * publish, nothing else would bring it here again. */
    if (!backlog_is_empty(q->backlog) && !list_is_empty(&q->ready))
        ch->core->is_unfinished = true;
    backlog_disown(&q->backlog, ch->core->budget);
    queue_update_gate(q);
}

/* Back into the round at half its room, so that a consumer is not taken in
 * and out for every message. */
static void queue_sent(struct channel *ch, struct subscriber *s)
{
    struct queue *q = queue_of(ch);
    queue_check_relief(q);
    if (s->state == SUBSCRIBER_RETIRED || queue_is_ready(s) ||
        s->outbox->bytes > ch->core->config.prefetch_bytes / 2)
        return;
    queue_make_ready(q, s);
    if (!backlog_is_empty(q->backlog))
        channel_touch(ch);
}

static uint64_t queue_room(const struct channel *ch)
{
    uint64_t limit = ch->rule->limit_bytes;
    uint64_t bytes = queue_of(ch)->backlog->bytes;
    return bytes < limit ? limit - bytes : 0;
}

static bool queue_is_empty(const struct channel *ch)
{
    return backlog_is_empty(queue_of(ch)->backlog);
}

static const struct backlog *queue_held(const struct channel *ch)
{
    return queue_of(ch)->backlog;
}

bool queue_is_deliverable(const struct channel *ch)
{
    if (queue_is_empty(ch))
        return false;
    LIST_EACH (link, &ch->members) {
        struct subscriber *s = LIST_OF(link, struct subscriber, member);
        if (s->state != SUBSCRIBER_RETIRED)
            return true;
    }
    return false;
}

/* What a queue has accepted it keeps: only its publishers can be held up. */
static void queue_press(struct channel *ch, bool is_last_resort)
{
    struct queue *q = queue_of(ch);
    (void)is_last_resort;
    if (q->is_pressed)
        return;
    q->is_pressed = true;
    channel_close_gate(ch);
}

static void queue_relieve(struct channel *ch)
{
    struct queue *q = queue_of(ch);
    if (!q->is_pressed)
        return;
    q->is_pressed = false;
    channel_open_gate(ch);
}

static uint64_t queue_purge(struct channel *ch)
{
    struct queue *q = queue_of(ch);
    uint64_t messages = q->backlog->messages;
    queue_count(q, -(int64_t)messages, -(int64_t)q->backlog->bytes);
    backlog_release(&q->backlog, ch->core->budget);
    queue_update_gate(q);
    return messages;
}

const struct channel_kind queue_kind = {
    .name = "queue",
    .size = sizeof(struct queue),
    .init = queue_init,
    .joined = queue_joined,
    .left = queue_left,
    .retired = queue_retired,
    .accept = queue_accept,
    .settle = queue_settle,
    .sent = queue_sent,
    .room = queue_room,
    .is_empty = queue_is_empty,
    .press = queue_press,
    .relieve = queue_relieve,
    .held = queue_held,
    .purge = queue_purge,
};
