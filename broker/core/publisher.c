/* SPDX-License-Identifier: MIT */
#include "broker/core/publisher.h"

#include "broker/core/core.h"

struct wait {
    struct place place;
    struct list link; /* of the publisher */
    struct publisher *publisher;
    struct channel *channel;
};

void publisher_init(struct publisher *p)
{
    list_init(&p->waits);
    list_init(&p->resumed);
    p->wait_count = 0;
}

static bool publisher_waits_at(const struct publisher *p,
                               const struct channel *ch)
{
    LIST_EACH (link, &p->waits) {
        if (LIST_OF(link, struct wait, link)->channel == ch)
            return true;
    }
    return false;
}

void publisher_wait(struct publisher *p, struct channel *ch, bool is_first)
{
    struct core *c = ch->core;
    if (p->wait_count == PUBLISHER_WAITS_MAX || publisher_waits_at(p, ch))
        return;
    struct wait *w = budget_alloc(c->budget, sizeof *w);
    if (!w)
        return;
    w->publisher = p;
    w->channel = ch;
    list_insert(&p->waits, &w->link);
    p->wait_count++;
    gate_wait(&ch->gate, &c->open_gates, &w->place, is_first);
}

static void wait_free(struct wait *w)
{
    struct channel *ch = w->channel;
    w->publisher->wait_count--;
    list_remove(&w->link);
    budget_free(ch->core->budget, w, sizeof *w);
    channel_free_unused(ch);
}

void publisher_forget(struct publisher *p)
{
    struct list *link;
    list_remove(&p->resumed);
    while ((link = list_pop(&p->waits)) != NULL) {
        struct wait *w = LIST_OF(link, struct wait, link);
        gate_forget(&w->place);
        wait_free(w);
    }
}

bool publisher_let_through(struct core *c, struct gate *gate)
{
    struct place *place = gate_pop(gate);
    if (!place)
        return false;
    struct wait *w = LIST_OF(place, struct wait, place);
    struct publisher *p = w->publisher;
    wait_free(w);
    if (!publisher_is_waiting(p))
        list_insert(&c->resumed, &p->resumed);
    return true;
}
