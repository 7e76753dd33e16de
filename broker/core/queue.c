/* SPDX-License-Identifier: MIT */
#include "broker/core/queue.h"

#include <assert.h>

#include "broker/core/fullness.h"
#include "broker/core/held.h"
#include "broker/core/subscriber.h"
#include "broker/core/turn.h"

enum { QUEUE_COPY_BYTES = 1 << 10 };

struct queue {
    struct channel channel;
    struct backlog *backlog;
    struct ledger *ledger;    /* NULL until a worker holds something */
    uint64_t redelivered;     /* messages that came back from workers */
    struct list ready;        /* consumers with room; the first is next */
    uint32_t consumers;       /* members that have not retired */
    bool is_numbered;         /* somebody sees the numbers of its messages */
    struct fullness fullness; /* while it is full the gate is closed */
    bool is_pressed;          /* closes it as well, memory being short */
};

static struct queue *queue_of(const struct channel *ch)
{
    assert(ch->kind == &queue_kind);
    return (struct queue *)(void *)ch;
}

static struct counters *counters_of(const struct queue *q)
{
    return q->channel.turn->counters;
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
    return !list_is_empty(&s->ready);
}

/* Inserts by order of joining, counted from wherever the round stands; the
 * oldest goes last. */
static void queue_make_ready(struct queue *q, struct subscriber *s)
{
    struct list *pos = &q->ready;
    uint64_t best = 0;
    LIST_EACH (link, &q->ready) {
        struct subscriber *o = LIST_OF(link, struct subscriber, ready);
        if (o->order < s->order && o->order >= best) {
            best = o->order;
            pos = link->next;
        }
    }
    list_insert(pos, &s->ready);
}

static uint64_t renumber(struct backlog *b, uint64_t first)
{
    for (uint32_t i = 0; i < b->count; i++) {
        backlog_at(b, i)->first = first;
        first += backlog_at(b, i)->messages;
    }
    return first;
}

/* While nobody saw them, the numbers of what consumers hold were not kept. They
 * get those below what the queue still has, in any order. */
static void queue_begin_numbers(struct queue *q)
{
    struct channel *ch = &q->channel;
    uint64_t messages = q->backlog->messages;
    if (q->is_numbered)
        return;
    q->is_numbered = true;
    LIST_EACH (link, &ch->members) {
        struct subscriber *s = LIST_OF(link, struct subscriber, member);
        subscriber_count_sent(s);
        messages += s->outbox->messages;
    }
    uint64_t next = ch->number - messages + 1;
    LIST_EACH (link, &ch->members)
        next = renumber(LIST_OF(link, struct subscriber, member)->outbox, next);
    renumber(q->backlog, next);
}

static void queue_joined(struct channel *ch, struct subscriber *s)
{
    queue_of(ch)->consumers++;
    if (s->kind != SUBSCRIBER_PLAIN)
        queue_begin_numbers(queue_of(ch));
    queue_make_ready(queue_of(ch), s);
    channel_touch(ch);
}

static void queue_retired(struct channel *ch, struct subscriber *s)
{
    queue_of(ch)->consumers--;
    list_remove(&s->ready);
    s->state = SUBSCRIBER_RETIRED;
    channel_touch(ch);
}

static void queue_take_back_slice(struct queue *q, const struct slice *s)
{
    struct turn *t = q->channel.turn;
    if (s->length == 0)
        return;
    if (!backlog_own(&q->backlog, t->budget) ||
        !backlog_push_front(q->backlog, t->budget, s)) {
        channel_count_dropped(&q->channel, s->messages,
                              COUNT_dropped_no_memory);
        return;
    }
    queue_count(q, s->messages, s->length);
    counter_add(t->counters, COUNT_returned, s->messages);
}

struct ledger *queue_ledger(const struct channel *ch)
{
    return ch->kind == &queue_kind ? queue_of(ch)->ledger : NULL;
}

uint64_t queue_redelivered(const struct channel *ch)
{
    return ch->kind == &queue_kind ? queue_of(ch)->redelivered : 0;
}

void queue_put_back(struct held *h)
{
    struct channel *ch = h->channel;
    struct slice back = h->slice;
    if (h->is_sent && back.tries < UINT8_MAX)
        back.tries++;
    queue_take_back_slice(queue_of(ch), &back);
    counter_add(ch->turn->counters, COUNT_redelivered, h->is_sent);
    queue_of(ch)->redelivered += h->is_sent;
    held_free(h, queue_of(ch)->ledger);
    channel_touch(ch);
}

/* From the newest on: each then goes before those that are back already. */
static void queue_return_held(struct queue *q, struct worker *w)
{
    struct list *link = w->holds.prev;
    while (link != &w->holds) {
        struct held *h = LIST_OF(link, struct held, link);
        link = link->prev;
        if (h->channel == &q->channel)
            queue_put_back(h);
    }
}

static void queue_left(struct channel *ch, struct subscriber *s)
{
    struct queue *q = queue_of(ch);
    struct backlog *outbox = s->outbox;
    if (s->state != SUBSCRIBER_RETIRED)
        q->consumers--;
    list_remove(&s->ready);
    if (s->worker) {
        queue_return_held(q, s->worker);
        return;
    }
    for (uint32_t i = outbox->count; i-- > 0;) {
        struct slice back = *backlog_at(outbox, i);
        queue_take_back_slice(q, &back);
    }
}

static void queue_accept(struct channel *ch, struct slice *slice)
{
    struct queue *q = queue_of(ch);
    channel_number(ch, slice);
    if (!backlog_own(&q->backlog, ch->turn->budget) ||
        !backlog_push(q->backlog, ch->turn->budget, slice)) {
        channel_count_dropped(ch, slice->messages, COUNT_dropped_no_memory);
        return;
    }
    queue_count(q, slice->messages, slice->length);
}

static const uint8_t *queue_head(const struct queue *q)
{
    return slice_bytes(backlog_first(q->backlog));
}

static bool queue_fits(const struct queue *q, uint64_t held, uint32_t n)
{
    return held == 0 || held + n <= q->channel.turn->config.prefetch_bytes;
}

/* Measures how much of the start of the head slice the consumer has room
 * for. */
static uint32_t queue_measure(const struct queue *q, const struct subscriber *s,
                              uint32_t *messages)
{
    const struct core_config *config = &q->channel.turn->config;
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

/* If the outbox cannot grow, the slice goes back and the consumer keeps its
 * turn. */
static void queue_keep(struct queue *q, const struct slice *given)
{
    struct turn *t = q->channel.turn;
    if (backlog_push_front(q->backlog, t->budget, given))
        return;
    channel_count_dropped(&q->channel, given->messages,
                          COUNT_dropped_no_memory);
}

static bool queue_give_slice(struct queue *q, struct subscriber *s,
                             uint32_t length, uint32_t messages)
{
    struct turn *t = q->channel.turn;
    struct slice given = backlog_take(q->backlog, t->budget, length, messages);
    bool is_given = subscriber_push(s, &given);
    if (!is_given)
        queue_keep(q, &given);
    block_unref(given.block);
    return is_given;
}

/* A small message is copied next to the others that its consumer is given. As
 * slices of the block they came in, handed out one by one, they would cost
 * more, and each would pin the whole block. */
static bool queue_give_copy(struct queue *q, struct subscriber *s, uint32_t n)
{
    struct turn *t = q->channel.turn;
    clock_ms at = backlog_first(q->backlog)->at;
    uint64_t number = q->is_numbered ? backlog_first(q->backlog)->first : 0;
    if (!subscriber_gather(s, queue_head(q), n, at, number))
        return false;
    backlog_skip(q->backlog, t->budget, n);
    return true;
}

/* As much as it has room for. */
static bool queue_give_measured(struct queue *q, struct subscriber *s)
{
    uint32_t messages, n = queue_measure(q, s, &messages);
    return queue_give_slice(q, s, n, messages);
}

static bool queue_is_copied(const struct queue *q, uint32_t n)
{
    const struct slice *first = backlog_first(q->backlog);
    return n <= QUEUE_COPY_BYTES && !first->has_text && first->tries == 0;
}

static bool queue_give_held(struct queue *q, struct subscriber *s, uint32_t n)
{
    struct turn *t = q->channel.turn;
    if (!q->ledger)
        q->ledger = ledger_new(t->budget);
    if (!q->ledger)
        return false;
    struct slice given = backlog_take(q->backlog, t->budget, n, 1);
    struct held *h = held_new(q->ledger, s->worker, &q->channel, &given);
    bool is_given = h && subscriber_push(s, &given);
    if (h && !is_given)
        held_free(h, q->ledger);
    if (!is_given)
        queue_keep(q, &given);
    block_unref(given.block);
    return is_given;
}

/* One step of the round: the consumer whose turn it is gets its share, one
 * message or, if it is alone, as many as fit, and goes to the end; or it
 * leaves the round when it has no room. False when there is no memory to go
 * on. */
static bool queue_give(struct queue *q, struct subscriber *s)
{
    bool is_alone = queue_is_alone(q), is_given;
    uint32_t n = q->channel.turn->config.message_size(queue_head(q));
    bool fits = queue_fits(q, backlog_held_bytes(s->outbox), n);
    list_remove(&s->ready);
    if (!fits)
        return true;
    if (s->worker && !worker_has_credit(s->worker)) {
        list_insert(&s->worker->hungry, &s->ready);
        return true;
    }
    if (s->worker)
        is_given = queue_give_held(q, s, n);
    else if (is_alone)
        is_given = queue_give_measured(q, s);
    else if (queue_is_copied(q, n))
        is_given = queue_give_copy(q, s, n);
    else
        is_given = queue_give_slice(q, s, n, 1);
    list_insert(&q->ready, &s->ready);
    return is_given;
}

/* What workers hold counts as well. */
static struct fill queue_fill(const struct queue *q)
{
    const struct ledger *l = q->ledger;
    return (struct fill){.bytes = q->backlog->bytes + (l ? l->bytes : 0) +
                                  channel_pending_bytes(&q->channel),
                         .messages = q->backlog->messages +
                                     (l ? l->by_number.count : 0) +
                                     q->channel.pending};
}

static void queue_update_gate(struct queue *q)
{
    fullness_update(&q->fullness, &q->channel, queue_fill(q));
}

static bool queue_admits(struct channel *ch, uint64_t n)
{
    struct queue *q = queue_of(ch);
    return fullness_admits(&q->fullness, ch, queue_fill(q), n);
}

/* Keeps the turn's count of the queues that could still deliver. */
static void queue_update_deliverable(struct queue *q)
{
    struct channel *ch = &q->channel;
    bool is_deliverable = !backlog_is_empty(q->backlog) && q->consumers > 0;
    if (is_deliverable && !ch->is_deliverable)
        ch->turn->deliverable++;
    if (!is_deliverable && ch->is_deliverable)
        ch->turn->deliverable--;
    ch->is_deliverable = is_deliverable;
}

static void queue_tidy(struct queue *q)
{
    ledger_count(q->ledger, counters_of(q));
    if (!q->ledger || !ledger_is_empty(q->ledger))
        return;
    ledger_free(q->ledger, q->channel.turn->budget);
    q->ledger = NULL;
}

void queue_resume(struct subscriber *s)
{
    queue_make_ready(queue_of(s->channel), s);
    channel_touch(s->channel);
}

static void queue_hand_out(struct channel *ch)
{
    struct queue *q = queue_of(ch);
    int64_t messages = (int64_t)q->backlog->messages;
    int64_t bytes = (int64_t)q->backlog->bytes;
    while (!backlog_is_empty(q->backlog) && !list_is_empty(&q->ready) &&
           queue_give(q, LIST_OF(q->ready.next, struct subscriber, ready)))
        continue;
    queue_count(q, (int64_t)q->backlog->messages - messages,
                (int64_t)q->backlog->bytes - bytes);
    /* Out of memory: asks for a tick, since neither progress of a consumer nor
     * a publish may ever come. */
    if (!backlog_is_empty(q->backlog) && !list_is_empty(&q->ready))
        ch->turn->is_starved = true;
    queue_tidy(q);
    backlog_disown(&q->backlog, ch->turn->budget);
    queue_update_gate(q);
    queue_update_deliverable(q);
}

/* Back into the round at half its room, so that a consumer is not taken in
 * and out for every message. */
static void queue_sent(struct channel *ch, struct subscriber *s)
{
    struct queue *q = queue_of(ch);
    if (q->is_pressed)
        channel_touch(ch); /* it may hold less: it is weighed again */
    if (s->state == SUBSCRIBER_RETIRED || queue_is_ready(s) ||
        s->outbox->bytes > ch->turn->config.prefetch_bytes / 2)
        return;
    queue_make_ready(q, s);
    if (!backlog_is_empty(q->backlog))
        channel_touch(ch);
}

static uint64_t queue_room(const struct channel *ch)
{
    uint64_t limit = ch->rule->limit_bytes;
    uint64_t bytes = queue_fill(queue_of(ch)).bytes;
    return bytes < limit ? limit - bytes : 0;
}

static bool queue_is_empty(const struct channel *ch)
{
    return backlog_is_empty(queue_of(ch)->backlog) &&
           ledger_is_empty(queue_of(ch)->ledger);
}

static const struct backlog *queue_held(const struct channel *ch)
{
    return queue_of(ch)->backlog;
}

static struct limits queue_limits(const struct channel *ch)
{
    return (struct limits){ch->rule->limit_bytes, ch->rule->limit_messages};
}

static struct limits queue_subscriber_limits(const struct channel *ch)
{
    return (struct limits){ch->turn->config.prefetch_bytes, UINT64_MAX};
}

/* A queue keeps every message that it has accepted: it can only delay its
 * publishers. */
static void queue_press(struct channel *ch, bool is_exhausted)
{
    struct queue *q = queue_of(ch);
    (void)is_exhausted;
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

static uint64_t queue_purge(struct channel *ch, uint32_t slices)
{
    struct queue *q = queue_of(ch);
    uint64_t bytes = q->backlog->bytes;
    uint64_t messages =
        backlog_drop_slices(q->backlog, ch->turn->budget, slices);
    queue_count(q, -(int64_t)messages, (int64_t)(q->backlog->bytes - bytes));
    if (slices == UINT32_MAX)
        messages += ledger_drop_delayed(q->ledger);
    queue_tidy(q);
    backlog_disown(&q->backlog, ch->turn->budget);
    queue_update_gate(q);
    queue_update_deliverable(q);
    return messages;
}

const struct channel_kind queue_kind = {
    .name = "queue",
    .size = sizeof(struct queue),
    .is_lossless = true,
    .init = queue_init,
    .joined = queue_joined,
    .left = queue_left,
    .retired = queue_retired,
    .accept = queue_accept,
    .hand_out = queue_hand_out,
    .sent = queue_sent,
    .admits = queue_admits,
    .room = queue_room,
    .is_empty = queue_is_empty,
    .press = queue_press,
    .relieve = queue_relieve,
    .held = queue_held,
    .limits = queue_limits,
    .subscriber_limits = queue_subscriber_limits,
    .purge = queue_purge,
};
