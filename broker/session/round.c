/* SPDX-License-Identifier: MIT */
#include "broker/session/round.h"

#include "broker/session/clients.h"
#include "broker/session/state.h"

void round_begin(struct round *r, struct clients *all)
{
    r->next = all->list.next;
    r->last = all->accepted;
}

struct session *round_next(struct round *r, const struct clients *all)
{
    struct session *s = LIST_OF(r->next, struct session, link);
    bool is_over = r->next == &all->list || s->id > r->last;
    r->next = is_over ? NULL : s->link.next;
    return is_over ? NULL : s;
}

void round_skip(struct round *r, const struct session *s)
{
    if (r->next == &s->link)
        r->next = s->link.next;
}
