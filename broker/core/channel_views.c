/* SPDX-License-Identifier: MIT */
#include "broker/core/channel_views.h"

#include "broker/core/core.h"
#include "broker/core/held.h"
#include "broker/core/publisher.h"
#include "broker/core/queue.h"
#include "broker/core/queue_kept.h"
#include "broker/core/worker.h"

struct onlooker {
    clock_ms now;
    view_fn *visit;
    void *arg;
};

static void view_add(struct view *v, struct depth d)
{
    v->number[VIEW_DEPTH] += d.messages;
    v->number[VIEW_BYTES] += d.bytes;
    if (d.age_ms > v->number[VIEW_AGE_MS])
        v->number[VIEW_AGE_MS] = d.age_ms;
}

static void view_set_limits(struct view *v, struct limits limits)
{
    v->number[VIEW_LIMIT_BYTES] = limits.bytes;
    v->number[VIEW_LIMIT_MESSAGES] =
        limits.messages == UINT64_MAX ? 0 : limits.messages;
}

void channel_views_limits_of(struct view *v, const struct subscriber *s)
{
    const struct channel *ch = s->channel;
    if (ch)
        view_set_limits(v, ch->kind->subscriber_limits(ch));
}

static void view_add_member(struct view *v, const struct channel *ch,
                            const struct subscriber *s, clock_ms now)
{
    const struct worker *w = channel_is_queue(ch) ? s->worker : NULL;
    const struct backlog *b = s->outbox;
    view_add(v, (struct depth){b->messages, b->bytes, backlog_age_ms(b, now)});
    v->number[VIEW_WILDCARDS] += s->matches > 0 && !s->is_exact;
    v->number[VIEW_WORKERS] += w != NULL;
    v->number[VIEW_READY] += w && worker_has_credit(w);
}

/* As many as can be looked at in one piece. */
static void view_add_members(struct view *v, const struct channel *ch,
                             clock_ms now)
{
    uint32_t left = CHANNEL_VIEWS_MEMBERS_MAX;
    LIST_EACH (link, &ch->members) {
        if (left-- == 0)
            break;
        view_add_member(v, ch, LIST_OF(link, struct subscriber, member), now);
    }
    if (ch->member_count > CHANNEL_VIEWS_MEMBERS_MAX)
        v->number[VIEW_UNSEEN] = ch->member_count - CHANNEL_VIEWS_MEMBERS_MAX;
}

static void show_channel(struct channel *ch, void *arg)
{
    const struct onlooker *onlooker = arg;
    const struct ledger *ledger = channel_ledger(ch);
    struct publisher_line line = publisher_line(ch);
    struct view v = {
        .name = channel_name(ch),
        .name_length = channel_name_length(ch),
        .kind = ch->kind->name,
        .number = {[VIEW_SUBSCRIBERS] = ch->member_count,
                   [VIEW_IN] = ch->number - ch->base,
                   [VIEW_OUT] = ch->messages_out,
                   [VIEW_DROPPED] = ch->dropped,
                   [VIEW_HELD_BYTES] = ch->account.bytes,
                   [VIEW_PAUSED] = line.count,
                   [VIEW_PARKED_BYTES] = line.parked_bytes,
                   [VIEW_PRESSED] = pressure_is_on(ch),
                   [VIEW_HELD] = ledger ? ledger_held(ledger) : 0,
                   [VIEW_REDELIVERED] = queue_redelivered(ch),
                   [VIEW_DURABLE] = queue_is_durable(ch),
                   [VIEW_DISK_BYTES] = queue_disk_bytes(ch)},
    };
    v.number[VIEW_UNACKED] = v.number[VIEW_HELD] + queue_unconfirmed(ch);
    view_set_limits(&v, ch->kind->limits(ch));
    view_add(&v, channel_depth(ch));
    view_add_members(&v, ch, onlooker->now);
    onlooker->visit(onlooker->arg, &v);
}

bool channel_views_show(const struct core *c, clock_ms now,
                        struct map_walk *walk, size_t slots, view_fn *visit,
                        void *arg)
{
    struct onlooker onlooker = {now, visit, arg};
    return directory_walk(&c->directory, walk, slots, show_channel, &onlooker);
}
