/* SPDX-License-Identifier: MIT */
#include "broker/core/queue_held.h"

#include "broker/core/held.h"
#include "broker/core/keep.h"
#include "broker/core/queue_parts.h"
#include "broker/core/settling.h"
#include "broker/core/subscriber.h"
#include "broker/core/trail.h"
#include "broker/core/worker.h"

enum { DELAYS_AT_ONCE = 4096 };

static void on_delay_over(struct turn_alarm *a);

static struct ledger *obtain_ledger(struct queue *q)
{
    if (!q->ledger) {
        q->ledger = ledger_new(&q->channel);
        if (!q->ledger)
            return NULL;
        q->ledger->alarm.ring = on_delay_over;
        settling_init(q->ledger);
    }
    return q->ledger;
}

struct held *queue_first_returned(const struct queue *q)
{
    return q->ledger ? q->ledger->returned : NULL;
}

bool queue_push(struct queue *q, struct subscriber *s,
                const struct slice *slice)
{
    return q->keep ? trail_give(q->keep, s, slice) : subscriber_push(s, slice);
}

bool queue_hand(struct queue *q, struct subscriber *lane,
                const struct slice *given)
{
    struct ledger *l = obtain_ledger(q);
    struct held *h = l ? ledger_add(l, given) : NULL;
    if (!h)
        return false;
    if (!subscriber_push(lane, given)) {
        ledger_remove(l, h);
        return false;
    }
    held_hand(h, lane);
    return true;
}

/* The first that came back is an entry with so many messages at most. False
 * without memory. */
static bool ledger_part_returned(struct ledger *l, uint32_t most)
{
    if (l->returned->slice.messages <= most)
        return true;
    struct held *h = ledger_pop_returned(l);
    struct held *rest = ledger_split(l, h, most);
    ledger_return(l, h);
    if (rest)
        ledger_return(l, rest);
    return rest != NULL;
}

bool queue_hand_returned(struct queue *q, struct subscriber *s, uint32_t most)
{
    struct ledger *l = q->ledger;
    if (!ledger_part_returned(l, most))
        return false;
    const struct slice *first = &l->returned->slice;
    if (s->worker ? !subscriber_push(s, first) : !queue_push(q, s, first))
        return false;
    struct held *h = ledger_pop_returned(l);
    queue_count(q, -(int64_t)h->slice.messages, -(int64_t)h->slice.length);
    if (s->worker)
        held_hand(h, s);
    else
        ledger_remove(l, h);
    return true;
}

struct held *queue_find_held(const struct channel *ch, uint64_t number)
{
    return ledger_find(queue_of(ch)->ledger, number);
}

struct held *queue_part_held(const struct channel *ch, struct held *h,
                             uint64_t number, uint32_t most)
{
    struct ledger *l = queue_of(ch)->ledger;
    if (number > h->slice.first)
        h = ledger_split(l, h, (uint32_t)(number - h->slice.first));
    bool is_whole = !h || h->slice.messages <= most;
    return is_whole || ledger_split(l, h, most) ? h : NULL;
}

/* The first so many messages of a slice are. */
static void queue_done(struct queue *q, const struct slice *s,
                       uint32_t messages)
{
    if (q->keep)
        keep_ack(q->keep, s->first, messages);
}

void queue_finish(struct channel *ch, struct held *h)
{
    struct queue *q = queue_of(ch);
    queue_done(q, &h->slice, h->slice.messages);
    held_release(h);
    ledger_remove(q->ledger, h);
    channel_touch(ch);
}

void queue_finish_first(struct channel *ch, struct held *h, uint32_t messages)
{
    queue_done(queue_of(ch), &h->slice, messages);
    ledger_trim(queue_of(ch)->ledger, h, messages);
    channel_touch(ch);
}

/* It is in no state. */
static void queue_return(struct queue *q, struct held *h)
{
    struct counters *counters = q->channel.turn->counters;
    uint32_t messages = h->slice.messages;
    uint32_t redelivered = h->is_sent ? messages : 0;
    ledger_return(q->ledger, h);
    queue_count(q, messages, h->slice.length);
    counter_add(counters, COUNT_returned, messages);
    counter_add(counters, COUNT_redelivered, redelivered);
    q->redelivered += redelivered;
    channel_touch(&q->channel);
}

/* The next one who gets it is told how often it was handed out wholly. */
static void held_count_try(struct held *h)
{
    if (h->is_sent && h->slice.tries < SLICE_TRIES_MAX)
        h->slice.tries++;
}

static void queue_take_back(struct held *h)
{
    held_release(h);
    held_count_try(h);
}

void queue_put_back(struct channel *ch, struct held *h)
{
    queue_take_back(h);
    queue_return(queue_of(ch), h);
}

/* Its alarm is set for the one that comes back first. */
static void ledger_await(struct ledger *l)
{
    struct turn *t = l->channel->turn;
    int32_t ms = (int32_t)(l->delayed->due - t->now);
    turn_set_alarm(t, &l->alarm, ms > 0 ? (uint32_t)ms : 1);
}

void queue_delay(struct channel *ch, struct held *h, uint32_t ms)
{
    struct ledger *l = queue_of(ch)->ledger;
    queue_take_back(h);
    ledger_delay(l, h, ch->turn->now + ms);
    if (l->delayed == h)
        ledger_await(l);
}

/* So many at most, so that others are served in between. */
static void on_delay_over(struct turn_alarm *a)
{
    struct ledger *l = LIST_OF(a, struct ledger, alarm);
    clock_ms now = l->channel->turn->now;
    for (int n = 0; n < DELAYS_AT_ONCE && l->delayed &&
                    (int32_t)(l->delayed->due - now) <= 0;
         n++)
        queue_return(queue_of(l->channel), ledger_pop_delayed(l));
    if (l->delayed)
        ledger_await(l);
}

/* The last one first: into an order that is nearly kept, each then goes before
 * those that are back already, which takes least. */
static void queue_put_back_list(struct queue *q, struct list *list,
                                const struct subscriber *lane)
{
    struct list *link = list->prev;
    while (link != list) {
        struct held *h = LIST_OF(link, struct held, link);
        link = link->prev;
        if (h->lane == lane)
            queue_put_back(&q->channel, h);
    }
}

/* A worker with many lanes holds more elsewhere than the ledger of one queue
 * has; a ledger of many workers has more than one of them holds. */
void queue_put_back_all(struct subscriber *lane)
{
    struct queue *q = queue_of(lane->channel);
    struct ledger *l = q->ledger;
    struct worker *w = lane->worker;
    if (!l)
        return;
    if (w->held <= l->bucket_count) {
        queue_put_back_list(q, &w->clocked, lane);
        queue_put_back_list(q, &w->holds, lane);
        return;
    }
    for (uint32_t i = 0; i < l->bucket_count; i++)
        for (struct held *h = l->buckets[i]; h; h = h->next)
            if (h->lane == lane)
                queue_put_back(&q->channel, h);
}

bool queue_put_back_slice(struct queue *q, struct slice *rest, bool is_sent)
{
    struct ledger *l = obtain_ledger(q);
    while (rest->length > 0) {
        struct slice run = slice_front(rest, held_most(rest->first),
                                       q->channel.turn->config.message_size);
        struct held *h = l ? ledger_add(l, &run) : NULL;
        if (!h)
            return false;
        h->is_sent = is_sent;
        held_count_try(h);
        queue_return(q, h);
        slice_skip(rest, run.messages, run.length);
    }
    return true;
}

uint64_t queue_drop_returned(struct queue *q, uint64_t most)
{
    struct ledger *l = q->ledger;
    uint64_t n = 0;
    while (l && l->returned && n < most) {
        struct held *h = ledger_pop_returned(l);
        n += h->slice.messages;
        queue_count(q, -(int64_t)h->slice.messages, -(int64_t)h->slice.length);
        queue_done(q, &h->slice, h->slice.messages);
        ledger_remove(l, h);
    }
    return n;
}

void queue_tidy(struct queue *q)
{
    if (!q->ledger)
        return;
    ledger_tally(q->ledger);
    settling_review(q->ledger);
    if (!ledger_is_empty(q->ledger))
        return;
    settling_fini(q->ledger);
    ledger_free(q->ledger);
    q->ledger = NULL;
}
