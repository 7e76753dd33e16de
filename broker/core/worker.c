/* SPDX-License-Identifier: MIT */
#include "broker/core/worker.h"

#include <assert.h>

void holder_init(struct holder *h, const void *owner)
{
    *h = (struct holder){.owner = owner};
    list_init(&h->workers);
}

void worker_init(struct worker *w, struct holder *holder, uint32_t credit,
                 uint32_t wait_ms)
{
    *w = (struct worker){
        .holder = holder, .credit = credit, .wait_ms = wait_ms, .users = 1};
    list_insert(&holder->workers, &w->peer);
    list_init(&w->holds);
    list_init(&w->clocked);
    list_init(&w->hungry);
    list_init(&w->fed);
    alarm_init(&w->alarm.alarm);
}

void worker_fini(struct worker *w)
{
    assert(w->held == 0 && list_is_empty(&w->hungry));
    assert(!alarm_is_set(&w->alarm.alarm));
    list_remove(&w->peer);
    list_remove(&w->fed);
}

static struct holder *holder_new(struct budget *budget, const void *owner)
{
    struct holder *h = budget_alloc(budget, sizeof *h);
    if (h)
        holder_init(h, owner);
    return h;
}

/* Unless it still has a worker. */
static void holder_free(struct holder *h, struct budget *budget)
{
    if (h && list_is_empty(&h->workers))
        budget_free(budget, h, sizeof *h);
}

struct worker *worker_new(struct budget *budget, const void *owner,
                          const struct worker *peer, uint32_t credit,
                          uint32_t wait_ms)
{
    struct holder *h = peer ? peer->holder : holder_new(budget, owner);
    struct worker *w = h ? budget_alloc(budget, sizeof *w) : NULL;
    if (w)
        worker_init(w, h, credit, wait_ms);
    else
        holder_free(h, budget);
    return w;
}

void worker_unref(struct worker *w, struct budget *budget)
{
    struct holder *h = w->holder;
    if (--w->users > 0)
        return;
    worker_fini(w);
    budget_free(budget, w, sizeof *w);
    holder_free(h, budget);
}
