/* SPDX-License-Identifier: MIT */
#include "broker/core/queue.h"

#include "broker/core/held.h"
#include "broker/core/keep.h"
#include "broker/core/queue_ended.h"
#include "broker/core/queue_held.h"
#include "broker/core/queue_kept.h"
#include "broker/core/queue_numbers.h"
#include "broker/core/queue_parts.h"
#include "broker/core/queue_round.h"
#include "broker/core/queue_work.h"
#include "broker/core/settling.h"
#include "broker/core/subscriber.h"
#include "broker/core/turn.h"
#include "broker/core/worker.h"

enum {
    QUEUE_COPY_BYTES = 1 << 10,
    /* Fewer messages for each consumer are handed out one by one. */
    QUEUE_SHARE_MIN = 8,
};

static void queue_init(struct channel *ch)
{
    list_init(&queue_of(ch)->ready);
    queue_of(ch)->backlog = BACKLOG_NONE;
}

static bool queue_is_ready(const struct subscriber *s)
{
    return !list_is_empty(&s->ready);
}

static void queue_joined(struct channel *ch, struct subscriber *s)
{
    s->trail = NULL;
    queue_of(ch)->consumers++;
    if (s->kind != SUBSCRIBER_PLAIN)
        queue_number(ch);
    queue_round_enter(queue_of(ch), s);
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

/* Into its place among what has come back, if there is memory for that. */
static void queue_take_back(struct queue *q, struct slice *s)
{
    if (!q->is_numbered || !queue_put_back_slice(q, s, false))
        queue_take_back_slice(q, s);
}

static void queue_left(struct channel *ch, struct subscriber *s)
{
    struct queue *q = queue_of(ch);
    struct backlog *outbox = s->outbox;
    if (s->state != SUBSCRIBER_RETIRED)
        q->consumers--;
    list_remove(&s->ready);
    if (s->worker) {
        queue_work_leave(s);
        return;
    }
    uint64_t gone_back = queue_put_back_trail(q, s);
    for (uint32_t i = outbox->count; i-- > 0;) {
        struct slice back = *backlog_at(outbox, i);
        if (gone_back == 0)
            queue_take_back(q, &back);
        else
            gone_back -= back.length;
    }
}

static void queue_accept(struct channel *ch, struct slice *slice)
{
    struct queue *q = queue_of(ch);
    channel_number(ch, slice);
    if (q->keep) {
        keep_accept(q->keep, slice);
    } else if (!backlog_own(&q->backlog, ch->turn->budget) ||
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

/* The start of a slice that the consumer has room for, so many messages at
 * most. */
static struct slice queue_measure(const struct queue *q,
                                  const struct subscriber *s,
                                  const struct slice *from, uint32_t most)
{
    const struct core_config *config = &q->channel.turn->config;
    const uint8_t *start = slice_bytes(from);
    uint64_t held = backlog_held_bytes(s->outbox);
    struct slice front = *from;
    uint32_t messages = 0;
    front.length = 0;
    while (front.length < from->length && messages < most) {
        uint32_t n = config->message_size(start + front.length);
        if (!queue_fits(q, held, n))
            break;
        held += n;
        front.length += n;
        messages++;
    }
    front.messages = (uint16_t)messages;
    return front;
}

/* One with a text may be a request. */
static inline bool queue_has_first(struct queue *q)
{
    if (backlog_is_empty(q->backlog) && !queue_refill(q))
        return false;
    if (!backlog_first(q->backlog)->has_text)
        return true;
    queue_skip_ended(q);
    return !backlog_is_empty(q->backlog);
}

static bool queue_is_alone(const struct queue *q)
{
    return q->ready.next == q->ready.prev;
}

/* The start of the head slice. */
static bool queue_give_slice(struct queue *q, struct subscriber *s,
                             const struct slice *given)
{
    struct turn *t = q->channel.turn;
    if (s->worker ? !queue_hand(q, s, given) : !queue_push(q, s, given))
        return false;
    struct slice taken =
        backlog_take(q->backlog, t->budget, given->length, given->messages);
    block_unref(taken.block);
    return true;
}

/* A small message is copied next to the others that its consumer is given. As
 * slices of the block they came in, handed out one by one, they would cost
 * more, and each would pin the whole block. */
static bool queue_copy(struct queue *q, struct subscriber *s, uint32_t n)
{
    clock_ms at = backlog_first(q->backlog)->at;
    if (!subscriber_gather(s, queue_head(q), n, at, 0))
        return false;
    backlog_skip(q->backlog, q->channel.turn->budget, n);
    return true;
}

/* With numbers, a copy would be a slice of its own as well where others got a
 * message in between. */
static bool queue_is_copied(const struct queue *q, uint32_t n)
{
    return n <= QUEUE_COPY_BYTES && !q->is_numbered &&
           !backlog_first(q->backlog)->has_text;
}

/* Whether a consumer, which has left the round, has to wait until its worker
 * has credit. */
static bool queue_lacks_credit(struct subscriber *s)
{
    if (!s->worker || worker_has_credit(s->worker))
        return false;
    list_insert(&s->worker->hungry, &s->ready);
    return true;
}

/* Of messages that begin with this number and lie in one slice, so many can be
 * given to the consumer at once, `most` at most; 0: it has no credit. */
static uint32_t queue_run(const struct subscriber *s, uint64_t number,
                          uint32_t most)
{
    if (!s->worker)
        return most;
    uint32_t credit = worker_credit(s->worker), run = held_most(number);
    most = most < credit ? most : credit;
    return most < run ? most : run;
}

/* Up to so many messages, as long as the consumer has room and credit. False
 * when there is no memory to go on. */
static bool queue_give_share(struct queue *q, struct subscriber *s,
                             uint32_t share)
{
    while (share > 0 && queue_has_first(q)) {
        const struct slice *first = backlog_first(q->backlog);
        struct slice given =
            queue_measure(q, s, first, queue_run(s, first->first, share));
        if (given.messages == 0)
            break;
        if (!queue_give_slice(q, s, &given))
            return false;
        share -= given.messages;
    }
    return true;
}

/* One step of the round: the consumer whose turn it is gets its share, or, if
 * it is alone, as much as fits, and goes to the end; or it leaves the round
 * when it has no room. False when there is no memory to go on. */
static bool queue_give(struct queue *q, struct subscriber *s, uint32_t share)
{
    bool is_alone = queue_is_alone(q), is_given;
    uint32_t n = q->channel.turn->config.message_size(queue_head(q));
    bool fits = queue_fits(q, backlog_held_bytes(s->outbox), n);
    list_remove(&s->ready);
    if (!fits || queue_lacks_credit(s))
        return true;
    if (!is_alone && queue_is_copied(q, n))
        is_given = queue_copy(q, s, n);
    else
        is_given = queue_give_share(q, s, is_alone ? UINT32_MAX : share);
    list_insert(&q->ready, &s->ready);
    return is_given;
}

/* The same for what has come back. */
static bool queue_give_returned(struct queue *q, struct subscriber *s,
                                uint32_t share)
{
    const struct slice *first = &queue_first_returned(q)->slice;
    uint32_t most = queue_run(s, first->first, share);
    struct slice given = queue_measure(q, s, first, most > 0 ? most : 1);
    list_remove(&s->ready);
    if (given.messages == 0 || queue_lacks_credit(s))
        return true;
    bool is_given = queue_hand_returned(q, s, given.messages);
    list_insert(&q->ready, &s->ready);
    return is_given;
}

/* What workers hold counts as well. */
static struct fill queue_fill(const struct queue *q)
{
    const struct ledger *l = q->ledger;
    struct fill waits = queue_waits(q);
    return (struct fill){
        .bytes = waits.bytes + (l ? l->bytes : 0) + queue_given(q).bytes +
                 channel_pending_bytes(&q->channel),
        .messages = waits.messages + (l ? l->count : 0) +
                    queue_given(q).messages + q->channel.pending};
}

static void queue_update_gate(struct queue *q)
{
    fullness_update(&q->fullness, &q->channel, queue_fill(q));
}

static bool queue_admits(struct channel *ch, uint64_t n)
{
    struct queue *q = queue_of(ch);
    return fullness_admits(&q->fullness, ch, queue_fill(q), n) &&
           (!q->keep || keep_admits(q->keep, n));
}

static bool queue_has_next(const struct queue *q)
{
    return queue_first_returned(q) || !backlog_is_empty(q->backlog);
}

/* Keeps the turn's count of the queues that could still deliver. */
static void queue_update_deliverable(struct queue *q)
{
    struct channel *ch = &q->channel;
    bool is_deliverable =
        queue_has_next(q) && q->consumers > 0 && !queue_may_stop(q);
    if (is_deliverable && !ch->is_deliverable)
        ch->turn->deliverable++;
    if (!is_deliverable && ch->is_deliverable)
        ch->turn->deliverable--;
    ch->is_deliverable = is_deliverable;
}

/* The consumer whose turn it is; there must be one. */
static struct subscriber *queue_next(const struct queue *q)
{
    return LIST_OF(q->ready.next, struct subscriber, ready);
}

static bool queue_has_returned(struct queue *q)
{
    if (queue_first_returned(q))
        queue_skip_ended(q);
    return queue_first_returned(q) != NULL;
}

/* What a consumer gets in its turn, of so many messages: one, or its part of
 * very many, since messages that follow one another cost less. */
static uint32_t queue_share(const struct queue *q, uint64_t messages)
{
    uint64_t share = q->consumers > 0 ? messages / q->consumers : 0;
    if (share < QUEUE_SHARE_MIN)
        return 1;
    return share < UINT32_MAX ? (uint32_t)share : UINT32_MAX;
}

/* Returns whether all that had come back was handed out. */
static bool queue_hand_out_returned(struct queue *q)
{
    uint32_t share = queue_share(q, q->ledger->returned_count);
    while (!list_is_empty(&q->ready) && queue_has_returned(q) &&
           queue_give_returned(q, queue_next(q), share))
        continue;
    return !queue_first_returned(q);
}

static void queue_hand_out(struct channel *ch)
{
    struct queue *q = queue_of(ch);
    if ((q->keep != NULL) != ch->rule->is_durable)
        queue_review_durable(q);
    if (queue_is_frozen(q))
        return;
    if (q->keep)
        queue_fill_head(q);
    struct fill before = queue_waits(q);
    uint32_t share = queue_share(q, q->backlog->messages);
    if (!queue_first_returned(q) || queue_hand_out_returned(q))
        while (!list_is_empty(&q->ready) && queue_has_first(q) &&
               queue_give(q, queue_next(q), share))
            continue;
    if (q->keep)
        queue_fill_head(q);
    struct fill after = queue_waits(q);
    queue_count(q, (int64_t)(after.messages - before.messages),
                (int64_t)(after.bytes - before.bytes));
    /* Out of memory: asks for a tick, since neither progress of a consumer nor
     * a publish may ever come. */
    if (queue_has_next(q) && !list_is_empty(&q->ready))
        ch->turn->is_starved = true;
    queue_tidy(q);
    queue_update_gate(q);
    if (q->fullness.is_full && queue_sweep_ended(q))
        queue_update_gate(q);
    backlog_disown(&q->backlog, ch->turn->budget);
    queue_update_deliverable(q);
}

/* Back into the round at half its room, so that a consumer is not taken in
 * and out for every message. */
static void queue_sent(struct channel *ch, struct subscriber *s, uint64_t bytes)
{
    struct queue *q = queue_of(ch);
    (void)bytes;
    if (q->is_pressed)
        channel_touch(ch); /* it may hold less: it is weighed again */
    if (s->state == SUBSCRIBER_RETIRED || queue_is_ready(s) ||
        s->outbox->bytes > ch->turn->config.prefetch_bytes / 2)
        return;
    queue_round_enter(q, s);
    if (queue_has_next(q))
        channel_touch(ch);
}

static uint64_t queue_room(const struct channel *ch)
{
    return queue_room_beyond(ch, queue_fill(queue_of(ch)).bytes);
}

static bool queue_is_empty(const struct channel *ch)
{
    const struct queue *q = queue_of(ch);
    return backlog_is_empty(q->backlog) && ledger_is_empty(q->ledger) &&
           (!q->keep || keep_is_empty(q->keep));
}

static const struct backlog *queue_held(const struct channel *ch)
{
    return queue_of(ch)->backlog;
}

static struct ledger *queue_ledger(const struct channel *ch)
{
    return queue_of(ch)->ledger;
}

uint64_t queue_redelivered(const struct channel *ch)
{
    return channel_is_queue(ch) ? queue_of(ch)->redelivered : 0;
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
    if (q->ledger)
        settling_press(q->ledger);
    if (q->is_pressed || (q->keep && !keep_press(q->keep)))
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

/* What has come back is older than all else. */
static uint64_t queue_purge(struct channel *ch, uint32_t slices)
{
    struct queue *q = queue_of(ch);
    if (slices == UINT32_MAX)
        queue_abandon(q);
    uint64_t returned = queue_drop_returned(q, slices), messages = 0;
    uint64_t bytes = q->backlog->bytes;
    if (returned < slices)
        messages = queue_drop_slices(q, slices - (uint32_t)returned);
    queue_count(q, -(int64_t)messages, (int64_t)(q->backlog->bytes - bytes));
    if (slices == UINT32_MAX)
        messages += ledger_drop_delayed(q->ledger);
    if (q->keep && backlog_is_empty(q->backlog))
        messages += keep_purge(q->keep);
    queue_tidy(q);
    backlog_disown(&q->backlog, ch->turn->budget);
    queue_update_gate(q);
    queue_update_deliverable(q);
    return q->keep && q->keep->is_abandoned ? 0 : messages + returned;
}

const struct channel_kind queue_kind = {
    .name = "queue",
    .size = sizeof(struct queue),
    .is_lossless = true,
    .init = queue_init,
    .open = queue_open,
    .fini = queue_fini,
    .prepare = queue_prepare,
    .rest = queue_rest,
    .joined = queue_joined,
    .left = queue_left,
    .retired = queue_retired,
    .accept = queue_accept,
    .hand_out = queue_hand_out,
    .sent = queue_sent,
    .admits = queue_admits,
    .number = queue_number,
    .room = queue_room,
    .is_empty = queue_is_empty,
    .press = queue_press,
    .relieve = queue_relieve,
    .held = queue_held,
    .behind = queue_behind,
    .ledger = queue_ledger,
    .limits = queue_limits,
    .subscriber_limits = queue_subscriber_limits,
    .purge = queue_purge,
};
