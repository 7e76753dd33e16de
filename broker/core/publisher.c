/* SPDX-License-Identifier: MIT */
#include "broker/core/publisher.h"

#include "broker/core/channel.h"
#include "broker/core/turn.h"

/* A publisher in the line of one gate. When it has been admitted at the last
 * one, this wait becomes its place in the list of those to be resumed: idle
 * publishers should not pay for a link of their own. */
struct wait {
    struct place place; /* its link: in the gate's line, or among the resumed */
    struct wait *next;  /* of the publisher */
    struct publisher *publisher;
    struct channel *channel; /* NULL when admitted */
    struct turn *turn;
};

void publisher_init(struct publisher *p)
{
    *p = (struct publisher){.first = NULL};
}

bool publisher_is_waiting(const struct publisher *p)
{
    return p->first && p->first->channel;
}

static bool publisher_waits_at(const struct publisher *p,
                               const struct channel *ch)
{
    const struct wait *w = p->first;
    while (w && w->channel != ch)
        w = w->next;
    return w != NULL;
}

const struct channel *publisher_waits_for(const struct publisher *p)
{
    const struct wait *w = p->first;
    while (w && !(w->channel && channel_is_closed(w->channel)))
        w = w->next;
    if (w)
        return w->channel;
    return p->first ? p->first->channel : NULL;
}

bool publisher_waits_for_such(const struct publisher *p,
                              bool (*is_such)(const struct channel *ch))
{
    const struct wait *w = p->first;
    while (w && !(w->channel && is_such(w->channel)))
        w = w->next;
    return w != NULL;
}

void publisher_wait(struct publisher *p, struct channel *ch, bool is_first)
{
    struct turn *t = ch->turn;
    if (p->wait_count == PUBLISHER_WAITS_MAX || publisher_waits_at(p, ch))
        return;
    struct wait *w = budget_zalloc(t->budget, sizeof *w);
    if (!w)
        return;
    w->publisher = p;
    w->channel = ch;
    w->turn = t;
    w->next = p->first;
    p->first = w;
    p->wait_count++;
    gate_wait(&ch->gate, &t->open_gates, &w->place, is_first);
}

static void wait_free(struct wait *w)
{
    struct publisher *p = w->publisher;
    struct wait **at = &p->first;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    p->wait_count--;
    budget_free(w->turn->budget, w, sizeof *w);
}

void publisher_forget(struct publisher *p)
{
    while (p->first) {
        struct wait *w = p->first;
        struct channel *ch = w->channel;
        if (ch)
            gate_forget(&w->place, &w->turn->open_gates);
        else
            list_remove(&w->place.link); /* admitted, and not resumed yet */
        wait_free(w);
        if (ch)
            channel_touch(ch);
    }
}

static void count_in(struct publisher_line *line, const struct place *place)
{
    const struct publisher *p = LIST_OF(place, struct wait, place)->publisher;
    line->count++;
    line->parked_bytes += p->is_line ? p->bytes_in : 0;
}

/* The places are a ring. */
struct publisher_line publisher_line(const struct channel *ch)
{
    struct publisher_line line = {.count = 0};
    const struct place *first = ch->gate.first;
    if (!first)
        return line;
    count_in(&line, first);
    LIST_EACH (link, &first->link)
        count_in(&line, LIST_OF(link, struct place, link));
    return line;
}

bool publisher_admit(struct channel *ch)
{
    struct turn *t = ch->turn;
    struct place *place = gate_pop(&ch->gate, &t->open_gates);
    if (!place)
        return false;
    struct wait *w = LIST_OF(place, struct wait, place);
    channel_touch(ch);
    if (w->publisher->wait_count > 1) {
        wait_free(w);
    } else {
        w->channel = NULL;
        list_insert(&t->resumed, &w->place.link);
    }
    return true;
}

struct publisher *publisher_next_resumed(struct turn *t)
{
    struct list *link = list_pop(&t->resumed);
    if (!link)
        return NULL;
    struct wait *w = LIST_OF(link, struct wait, place.link);
    struct publisher *p = w->publisher;
    wait_free(w);
    return p;
}
