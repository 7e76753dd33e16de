/* SPDX-License-Identifier: MIT */
#include "broker/session/bypass.h"

#include "broker/net/stream.h"
#include "broker/session/clients.h"
#include "broker/session/state.h"

enum {
    SIPS_MAX = 24,
    SIP_HELD_BYTES = 64 << 10, /* less does not shut the window */
};

bool bypass_wants_sip(const struct session *s)
{
    return !budget_is_short(s->all->budget) &&
           stream_held(s->stream) >= SIP_HELD_BYTES;
}

bool bypass_goes_on(const struct session *s)
{
    return s->waiting.times <= SIPS_MAX;
}

bool bypass_is_open(const struct session *s)
{
    return s->has_pass && !budget_is_short(s->all->budget);
}

struct session *bypass_give(struct clients *all)
{
    struct waiting *first = waits_first(&all->waits, WAIT_ROOM);
    if (!all->wants_descriptor || !first || budget_is_short(all->budget))
        return NULL;
    struct session *s = LIST_OF(first, struct session, waiting);
    all->wants_descriptor = false;
    publisher_forget(&s->pub);
    s->has_pass = true;
    return s;
}

void bypass_take(struct session *s)
{
    if (s->has_pass)
        s->all->wants_descriptor = true;
    s->has_pass = false;
}
