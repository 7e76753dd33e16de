/* SPDX-License-Identifier: MIT */
#include "broker/core/gate.h"

#include <assert.h>

/* The line is a ring of places without a head: most gates never have one, and
 * then a pointer is all it costs. */

void gate_init(struct gate *g)
{
    *g = (struct gate){.first = NULL};
}

static void gate_update(struct gate *g, struct list *open_gates)
{
    if (!g->first)
        return;
    list_remove(&g->first->opened);
    if (g->closed == 0)
        list_insert(open_gates, &g->first->opened);
}

void gate_close(struct gate *g)
{
    g->closed++;
    if (g->first)
        list_remove(&g->first->opened);
}

void gate_open(struct gate *g, struct list *open_gates)
{
    assert(g->closed > 0);
    g->closed--;
    gate_update(g, open_gates);
}

void gate_wait(struct gate *g, struct list *open_gates, struct place *p,
               bool is_first)
{
    p->gate = g;
    list_init(&p->link);
    list_init(&p->opened);
    if (g->first)
        list_insert(&g->first->link, &p->link); /* at the end of the ring */
    if (!g->first || is_first) {
        if (g->first)
            list_remove(&g->first->opened);
        g->first = p;
    }
    gate_update(g, open_gates);
}

void gate_forget(struct place *p, struct list *open_gates)
{
    struct gate *g = p->gate;
    bool is_last = list_is_empty(&p->link);
    struct place *next =
        is_last ? NULL : LIST_OF(p->link.next, struct place, link);
    list_remove(&p->opened);
    list_remove(&p->link);
    if (g->first == p)
        g->first = next;
    gate_update(g, open_gates);
}

struct place *gate_pop(struct gate *g, struct list *open_gates)
{
    struct place *first = g->first;
    if (first)
        gate_forget(first, open_gates);
    return first;
}
