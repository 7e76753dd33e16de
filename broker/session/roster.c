/* SPDX-License-Identifier: MIT */
#include "broker/session/roster.h"

#include "broker/core/channel_views.h"
#include "broker/session/notice.h"
#include "broker/session/session.h"
#include "broker/session/sessions.h"

static struct view roster_view(const struct session *s, clock_ms now)
{
    const struct subscriber *sub = &s->sub;
    const struct channel *ch = sub->channel;
    const struct channel *full = publisher_waits_for(&s->pub);
    struct view v = {
        .name = ch ? channel_name(ch) : NULL,
        .name_length = ch ? channel_name_length(ch) : 0,
        .waits_for = full ? channel_name(full) : NULL,
        .waits_for_length = full ? channel_name_length(full) : 0,
        .kind = notice_states[s->state],
        .peer = &s->peer,
        .conn = s->id,
        .number = {[VIEW_IN] = s->pub.messages_in,
                   [VIEW_OUT] = sub->messages_out,
                   [VIEW_DROPPED] = sub->dropped,
                   [VIEW_DEPTH] = sub->outbox->messages,
                   [VIEW_BYTES] = sub->outbox->bytes,
                   [VIEW_AGE_MS] = backlog_age_ms(sub->outbox, now)},
    };
    channel_views_limits_of(&v, sub);
    return v;
}

void roster_show(const struct sessions *all, view_fn *visit, void *arg)
{
    clock_ms now = reactor_now_ms(all->reactor);
    LIST_EACH (link, &all->all) {
        struct view v = roster_view(LIST_OF(link, struct session, link), now);
        visit(arg, &v);
    }
}
