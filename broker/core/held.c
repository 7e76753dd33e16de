/* SPDX-License-Identifier: MIT */
#include "broker/core/held.h"

#include "broker/core/channel.h"

void worker_init(struct worker *w, const void *owner, uint32_t credit,
                 uint32_t wait_ms)
{
    *w = (struct worker){.owner = owner, .credit = credit, .wait_ms = wait_ms};
    list_init(&w->holds);
    list_init(&w->hungry);
}

struct ledger *ledger_new(struct budget *budget)
{
    struct ledger *l = budget_zalloc(budget, sizeof *l);
    if (!l)
        return NULL;
    idmap_init(&l->by_number, budget);
    list_init(&l->delayed);
    return l;
}

void ledger_free(struct ledger *l, struct budget *budget)
{
    if (!l)
        return;
    idmap_clear(&l->by_number);
    budget_free(budget, l, sizeof *l);
}

void ledger_count(struct ledger *l, struct counters *counters)
{
    if (!l)
        return;
    counter_add(counters, COUNT_held_messages, l->by_number.count - l->counted);
    l->counted = l->by_number.count;
}

uint64_t ledger_drop_delayed(struct ledger *l)
{
    uint64_t messages = 0;
    if (!l)
        return 0;
    LIST_EACH_SAFE (link, &l->delayed) {
        held_free(LIST_OF(link, struct held, link), l);
        messages++;
    }
    return messages;
}

struct held *held_new(struct ledger *l, struct worker *w, struct channel *ch,
                      const struct slice *message)
{
    struct budget *budget = ch->turn->budget;
    struct held *h = budget_zalloc(budget, sizeof *h);
    if (!h ||
        !idmap_put(&l->by_number, message->first, (uint64_t)(uintptr_t)h)) {
        budget_free(budget, h, sizeof *h);
        return NULL;
    }
    h->worker = w;
    h->channel = ch;
    h->slice = *message;
    block_ref(h->slice.block);
    alarm_init(&h->alarm.alarm);
    list_init(&h->link);
    list_insert(&w->holds, &h->link);
    w->held++;
    l->bytes += message->length;
    return h;
}

struct held *held_find(const struct ledger *l, uint64_t number)
{
    const uint64_t *row =
        l && number > 0 ? idmap_find(&l->by_number, number) : NULL;
    return row ? (struct held *)(uintptr_t)*row : NULL;
}

static void held_leave_worker(struct held *h)
{
    if (h->worker)
        h->worker->held--;
    h->worker = NULL;
    list_remove(&h->link);
    turn_cancel_alarm(h->channel->turn, &h->alarm);
}

void held_free(struct held *h, struct ledger *l)
{
    held_leave_worker(h);
    l->bytes -= h->slice.length;
    idmap_remove(&l->by_number, h->slice.first);
    block_unref(h->slice.block);
    budget_free(h->channel->turn->budget, h, sizeof *h);
}

void held_give_up(struct held *h, struct ledger *l)
{
    held_leave_worker(h);
    list_insert(&l->delayed, &h->link);
}
