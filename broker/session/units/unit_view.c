/* SPDX-License-Identifier: MIT */
#include "broker/session/units/unit_view.h"

#include "broker/core/channel_views.h"
#include "broker/core/worker.h"
#include "broker/session/units/client_name.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/requests.h"
#include "broker/session/units/units.h"
#include "broker/session/units/wildcards.h"

static void add_limits(struct view *v, const struct subscriber *sub)
{
    struct view one = {.number = {0}};
    channel_views_limits_of(&one, sub);
    v->number[VIEW_LIMIT_BYTES] += one.number[VIEW_LIMIT_BYTES];
    v->number[VIEW_LIMIT_MESSAGES] += one.number[VIEW_LIMIT_MESSAGES];
}

/* Any of a client's workers knows what all of them hold. */
static void show_held(struct view *v, const struct worker *w)
{
    if (w)
        v->number[VIEW_HELD] = w->holder->held;
}

/* The first channel stands for all. */
static void add_lane(struct view *v, const struct subscriber *sub, clock_ms now)
{
    const struct channel *ch = sub->channel;
    uint32_t age_ms = backlog_age_ms(sub->outbox, now);
    v->number[VIEW_OUT] += sub->messages_out;
    v->number[VIEW_DEPTH] += sub->outbox->messages;
    v->number[VIEW_BYTES] += sub->outbox->bytes;
    if (age_ms > v->number[VIEW_AGE_MS])
        v->number[VIEW_AGE_MS] = age_ms;
    if (!ch)
        return;
    v->number[VIEW_LANES]++;
    add_limits(v, sub);
    if (!channel_is_queue(ch))
        v->number[VIEW_DROPPED] += sub->dropped;
    else
        show_held(v, sub->worker);
    if (!v->name) {
        v->name = channel_name(ch);
        v->name_length = channel_name_length(ch);
    }
}

/* The first channel that keeps it from publishing; one that it was asked to
 * hold for stays that until GO, with nothing parked. */
static void show_parked(struct view *v, const struct units *u)
{
    v->number[VIEW_PARKED_BYTES] = u->parked_bytes;
    if (list_is_empty(&u->parked))
        return;
    const struct parked *line = LIST_OF(u->parked.next, struct parked, link);
    v->waits_for = parked_name(line);
    v->waits_for_length = line->name_length;
}

void unit_view(const struct session *s, clock_ms now, struct view *v)
{
    const struct units *u = s->units;
    v->label = client_name_get(s, &v->label_length);
    add_lane(v, &s->sub, now);
    if (!u)
        return;
    LIST_EACH (link, &u->lanes)
        add_lane(v, &LIST_OF(link, struct lane, link)->sub, now);
    LIST_EACH (link, &u->wildcards)
        show_held(v, LIST_OF(link, struct wildcard, link)->worker);
    show_parked(v, u);
    v->number[VIEW_REQUESTS] = requests_count(s);
}
