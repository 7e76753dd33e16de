/* SPDX-License-Identifier: MIT */
#include "broker/core/gate.h"

#include <assert.h>

void gate_init(struct gate *g)
{
    list_init(&g->places);
    list_init(&g->opened);
    g->closed = 0;
    g->is_shut = false;
}

/* While somebody waits the gate is shut to newcomers even when it is open:
 * they queue up behind, or the fast would always overtake the patient. */
static void gate_update(struct gate *g)
{
    bool has_waiters = !list_is_empty(&g->places);
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
    if (g->closed == 0 && !list_is_empty(&g->places))
        list_insert(open_gates, &g->opened);
}

void gate_wait(struct gate *g, struct list *open_gates, struct place *p,
               bool is_first)
{
    p->gate = g;
    list_insert(is_first ? g->places.next : &g->places, &p->link);
    gate_update(g);
    if (g->closed == 0 && list_is_empty(&g->opened))
        list_insert(open_gates, &g->opened);
}

struct place *gate_pop(struct gate *g)
{
    struct list *link = list_pop(&g->places);
    gate_update(g);
    return link ? LIST_OF(link, struct place, link) : NULL;
}

void gate_forget(struct place *p)
{
    list_remove(&p->link);
    gate_update(p->gate);
}
