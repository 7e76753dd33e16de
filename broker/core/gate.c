/* SPDX-License-Identifier: MIT */
#include "broker/core/gate.h"

#include <assert.h>

void gate_init(struct gate *g)
{
    list_init(&g->waiters);
    list_init(&g->opened);
    g->closed = 0;
    g->is_shut = false;
}

void publisher_init(struct publisher *p)
{
    list_init(&p->link);
    p->channel = NULL;
}

/* While somebody waits the gate is shut to newcomers even when it is open:
 * they queue up behind, or the fast would always overtake the patient. */
static void gate_update(struct gate *g)
{
    bool has_waiters = !list_is_empty(&g->waiters);
    g->is_shut = g->closed > 0 || has_waiters;
    if (g->closed > 0 || !has_waiters)
        list_remove(&g->opened);
}

void gate_close(struct gate *g)
{
    g->closed++;
    gate_update(g);
}

void gate_open(struct gate *g, struct list *open_gates)
{
    assert(g->closed > 0);
    g->closed--;
    gate_update(g);
    if (g->closed == 0 && !list_is_empty(&g->waiters))
        list_insert(open_gates, &g->opened);
}

void gate_wait(struct gate *g, struct list *open_gates, struct publisher *p)
{
    list_insert(&g->waiters, &p->link);
    gate_update(g);
    if (g->closed == 0 && list_is_empty(&g->opened))
        list_insert(open_gates, &g->opened);
}

struct publisher *gate_pop(struct gate *g)
{
    struct list *link = list_pop(&g->waiters);
    gate_update(g);
    return link ? LIST_OF(link, struct publisher, link) : NULL;
}

void gate_forget(struct gate *g, struct publisher *p)
{
    list_remove(&p->link);
    gate_update(g);
}
