/* SPDX-License-Identifier: MIT */
#include "broker/session/guest.h"

#include "broker/session/clients.h"
#include "broker/session/state.h"

bool guest_is_next(const struct clients *all)
{
    return all->count >= all->bound;
}

void guest_settle(struct session *s)
{
    s->is_guest = false;
}

bool guest_must_go(const struct session *s, const struct channel *ch)
{
    return s->is_guest && s->all->count > s->all->bound && ch &&
           channel_needs_consumer(ch);
}
