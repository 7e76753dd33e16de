/* SPDX-License-Identifier: MIT */
#include "broker/core/queue_work.h"

#include "broker/core/held.h"
#include "broker/core/queue.h"
#include "broker/core/subscriber.h"

/* All take part in their rounds again, not only as many as there is credit for:
 * a queue may have nothing left for its lane, and that would keep the credit
 * from the others. */
static void feed(struct worker *w)
{
    struct list *link;
    while (worker_has_credit(w) && (link = list_pop(&w->hungry)) != NULL)
        queue_resume(LIST_OF(link, struct subscriber, ready));
}

void queue_work_set_credit(struct worker *w, uint32_t credit)
{
    w->credit = credit;
    feed(w);
}

static struct held *find(struct channel *ch, const void *owner, uint64_t number)
{
    struct held *h = held_find(queue_ledger(ch), number);
    return h && h->worker && h->worker->owner == owner && h->is_sent ? h : NULL;
}

bool queue_work_ack(struct channel *ch, const void *owner, uint64_t number)
{
    struct held *h = find(ch, owner, number);
    if (!h)
        return false;
    struct worker *w = h->worker;
    held_free(h, queue_ledger(ch));
    counter_add(ch->turn->counters, COUNT_acked, 1);
    channel_touch(ch);
    feed(w);
    return true;
}

static void on_delay_over(struct turn_alarm *a)
{
    queue_put_back(LIST_OF(a, struct held, alarm));
}

bool queue_work_nak(struct channel *ch, const void *owner, uint64_t number,
                    uint32_t delay_ms)
{
    struct held *h = find(ch, owner, number);
    if (!h)
        return false;
    struct worker *w = h->worker;
    held_give_up(h, queue_ledger(ch));
    h->alarm.ring = on_delay_over;
    if (delay_ms > 0)
        turn_set_alarm(ch->turn, &h->alarm, delay_ms);
    else
        queue_put_back(h);
    feed(w);
    return true;
}

static void on_wait_over(struct turn_alarm *a)
{
    struct held *h = LIST_OF(a, struct held, alarm);
    struct worker *w = h->worker;
    counter_add(h->channel->turn->counters, COUNT_expired, 1);
    queue_put_back(h);
    feed(w);
}

static void begin_wait(struct held *h)
{
    h->alarm.ring = on_wait_over;
    if (h->worker->wait_ms > 0)
        turn_set_alarm(h->channel->turn, &h->alarm, h->worker->wait_ms);
}

bool queue_work_touch(struct channel *ch, const void *owner, uint64_t number)
{
    struct held *h = find(ch, owner, number);
    if (h)
        begin_wait(h);
    return h != NULL;
}

void queue_work_sent(struct subscriber *s, uint64_t number)
{
    struct held *h = held_find(queue_ledger(s->channel), number);
    if (!h || h->worker != s->worker || h->is_sent)
        return;
    h->is_sent = true;
    begin_wait(h);
}
