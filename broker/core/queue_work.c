/* SPDX-License-Identifier: MIT */
#include "broker/core/queue_work.h"

#include <assert.h>

#include "broker/core/channel.h"
#include "broker/core/held.h"
#include "broker/core/queue_held.h"
#include "broker/core/queue_round.h"
#include "broker/core/subscriber.h"
#include "broker/core/worker.h"

/* Of one worker, so that others are served in between. */
enum { EXPIRIES_AT_ONCE = 8192 };

/* As many take part in their rounds again as there is credit for, and have
 * something to take; with many queues, all would take long. Those that stay
 * hungry have another chance when this turn has shown what others took. */
static void feed(struct worker *w)
{
    struct turn *t = NULL;
    struct list *link;
    uint32_t n = worker_credit(w);
    while (n > 0 && (link = list_pop(&w->hungry)) != NULL) {
        struct subscriber *lane = LIST_OF(link, struct subscriber, ready);
        t = lane->channel->turn;
        n -= queue_round_resume(lane);
    }
    if (t && !list_is_empty(&w->hungry) && list_is_empty(&w->fed))
        list_insert(&t->fed, &w->fed);
}

bool queue_work_feed(struct turn *t)
{
    struct list fed, *link;
    bool is_any = false;
    if (list_is_empty(&t->fed))
        return false;
    list_init(&fed);
    list_splice(&fed, &t->fed);
    while ((link = list_pop(&fed)) != NULL) {
        struct worker *w = LIST_OF(link, struct worker, fed);
        is_any |= worker_has_credit(w);
        feed(w);
    }
    return is_any;
}

/* After it held so many less. The others have had to wait for it only if their
 * client held all that it may. */
static void feed_after(struct worker *w, uint32_t count)
{
    const struct holder *holder = w->holder;
    feed(w);
    if (holder->held + count < HOLDER_MAX)
        return;
    LIST_EACH (link, &holder->workers)
        feed(LIST_OF(link, struct worker, peer));
}

void queue_work_set_credit(struct worker *w, uint32_t credit)
{
    w->credit = credit;
    feed(w);
}

static struct held *find(struct channel *ch, const void *owner, uint64_t number)
{
    struct held *h = queue_find_held(ch, number);
    bool is_owners =
        h && h->lane && h->is_sent && h->lane->worker->holder->owner == owner;
    return is_owners ? h : NULL;
}

/* The first messages of an entry need not be parted from the others. */
static uint32_t finish(struct channel *ch, struct held *h, uint64_t number,
                       uint32_t count)
{
    struct worker *w = h->lane->worker;
    uint32_t messages = h->slice.messages;
    if (number == h->slice.first && count < messages) {
        queue_finish_first(ch, h, count);
        messages = count;
    } else {
        h = queue_part_held(ch, h, number, count);
        if (!h)
            return 0;
        messages = h->slice.messages;
        queue_finish(ch, h);
    }
    counter_add(ch->turn->counters, COUNT_acked, messages);
    feed_after(w, messages);
    return messages;
}

uint32_t queue_work_ack_run(struct channel *ch, const void *owner,
                            uint64_t number, uint32_t count)
{
    uint32_t done = 0, messages = 1;
    struct held *h;
    while (messages > 0 && done < count &&
           (h = find(ch, owner, number + done)) != NULL) {
        messages = finish(ch, h, number + done, count - done);
        done += messages;
    }
    return done;
}

enum work_status queue_work_ack(struct channel *ch, const void *owner,
                                uint64_t number)
{
    struct held *h = find(ch, owner, number);
    if (!h)
        return WORK_GONE;
    return finish(ch, h, number, 1) > 0 ? WORK_DONE : WORK_NO_MEMORY;
}

/* The same as an entry of its own: NULL, with another *status than WORK_DONE,
 * if that cannot be. */
static struct held *find_one(struct channel *ch, const void *owner,
                             uint64_t number, enum work_status *status)
{
    struct held *h = find(ch, owner, number);
    *status = h ? WORK_DONE : WORK_GONE;
    if (h && h->slice.messages > 1) {
        h = queue_part_held(ch, h, number, 1);
        *status = h ? WORK_DONE : WORK_NO_MEMORY;
    }
    return h;
}

enum work_status queue_work_nak(struct channel *ch, const void *owner,
                                uint64_t number, uint32_t delay_ms)
{
    enum work_status status;
    struct held *h = find_one(ch, owner, number, &status);
    if (!h)
        return status;
    struct worker *w = h->lane->worker;
    if (delay_ms > 0)
        queue_delay(ch, h, delay_ms);
    else
        queue_put_back(ch, h);
    feed_after(w, 1);
    return status;
}

static struct held *first_clocked(const struct worker *w)
{
    return list_is_empty(&w->clocked)
               ? NULL
               : LIST_OF(w->clocked.next, struct held, link);
}

/* Milliseconds until the time of the message is over. */
static uint32_t time_left_ms(const struct held *h)
{
    const struct subscriber *lane = h->lane;
    uint32_t ms = clock_elapsed_ms(lane->channel->turn->now, h->due);
    return ms < lane->worker->wait_ms ? lane->worker->wait_ms - ms : 0;
}

static void on_wait_over(struct turn_alarm *a)
{
    struct worker *w = LIST_OF(a, struct worker, alarm);
    struct held *h;
    uint32_t n = 0;
    while ((h = first_clocked(w)) != NULL && n < EXPIRIES_AT_ONCE &&
           time_left_ms(h) == 0) {
        struct channel *ch = h->lane->channel;
        n += h->slice.messages;
        counter_add(ch->turn->counters, COUNT_expired, h->slice.messages);
        queue_put_back(ch, h);
    }
    if (h) {
        uint32_t left_ms = time_left_ms(h);
        turn_set_alarm(h->lane->channel->turn, a, left_ms > 0 ? left_ms : 1);
    }
    feed_after(w, n);
}

/* All wait equally long, so the last to begin ends last, and one alarm does for
 * all: it may ring in vain, when the first was acknowledged. */
static void begin_wait(struct held *h)
{
    struct worker *w = h->lane->worker;
    struct turn *t = h->lane->channel->turn;
    h->due = t->now;
    if (w->wait_ms == 0)
        return;
    list_remove(&h->link);
    list_insert(&w->clocked, &h->link);
    if (alarm_is_set(&w->alarm.alarm))
        return;
    w->alarm.ring = on_wait_over;
    turn_set_alarm(t, &w->alarm, w->wait_ms);
}

enum work_status queue_work_touch(struct channel *ch, const void *owner,
                                  uint64_t number)
{
    enum work_status status;
    struct held *h = find_one(ch, owner, number, &status);
    if (h)
        begin_wait(h);
    return status;
}

/* If there is no memory to part those of an entry that were sent from the
 * others, they count as sent when these are. */
void queue_work_sent(struct subscriber *s, uint64_t number, uint32_t count)
{
    uint64_t end = number + count;
    while (number < end) {
        struct held *h = queue_find_held(s->channel, number);
        assert(h && h->lane == s && !h->is_sent);
        uint64_t first = h->slice.first, next = first + h->slice.messages;
        uint32_t sent = (uint32_t)(end - first);
        if (next <= end || queue_part_held(s->channel, h, first, sent)) {
            h->is_sent = true;
            begin_wait(h);
        }
        number = next;
    }
}

void queue_work_leave(struct subscriber *lane)
{
    struct worker *w = lane->worker;
    struct channel *ch = lane->channel;
    uint32_t held = w->held;
    queue_put_back_all(lane);
    if (w->held == 0)
        turn_cancel_alarm(ch->turn, &w->alarm);
    feed_after(w, held - w->held);
}
