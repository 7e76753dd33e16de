/* SPDX-License-Identifier: MIT */
#include "broker/core/queue_kept.h"

#include "broker/core/backlog_drop.h"
#include "broker/core/keep.h"
#include "broker/core/queue_held.h"
#include "broker/core/queue_numbers.h"
#include "broker/core/queue_parts.h"
#include "broker/core/rule.h"
#include "broker/core/subscriber.h"
#include "broker/core/trail.h"

static bool queue_should_last(const struct queue *q)
{
    return q->channel.rule->is_durable && q->channel.turn->keeper;
}

bool queue_open(struct channel *ch)
{
    struct queue *q = queue_of(ch);
    struct keeper *keeper = ch->turn->keeper;
    const struct store_channel *found = keeper ? keeper->found : NULL;
    if (!found && !queue_should_last(q))
        return true;
    q->is_numbered = true;
    q->keep = found ? keep_recover(q, keeper, found) : keep_new(q, keeper);
    if (!q->keep && ch->turn->refusal == REFUSAL_STORE_CROWDED)
        counter_add(ch->turn->counters, COUNT_journal_refused_channels, 1);
    return q->keep != NULL;
}

void queue_fini(struct channel *ch)
{
    struct queue *q = queue_of(ch);
    if (q->keep)
        keep_free(q->keep);
    q->keep = NULL;
}

bool queue_prepare(struct channel *ch)
{
    const struct queue *q = queue_of(ch);
    return !q->keep || keep_prepare(q->keep);
}

struct fill queue_behind(const struct channel *ch)
{
    const struct queue *q = queue_of(ch);
    return q->keep ? keep_behind(q->keep) : (struct fill){0, 0};
}

bool queue_is_durable(const struct channel *ch)
{
    return channel_is_queue(ch) && queue_of(ch)->keep;
}

uint64_t queue_disk_bytes(const struct channel *ch)
{
    return queue_is_durable(ch) ? queue_of(ch)->keep->middle.bytes : 0;
}

uint64_t queue_unconfirmed(const struct channel *ch)
{
    return queue_is_durable(ch) ? queue_of(ch)->keep->given.messages : 0;
}

uint64_t queue_room_beyond(const struct channel *ch, uint64_t bytes)
{
    const struct keep *keep = queue_of(ch)->keep;
    uint64_t limit = ch->rule->limit_bytes;
    uint64_t room = bytes < limit ? limit - bytes : 0;
    uint64_t sure = keep ? keep_room(keep) : room;
    return sure < room ? sure : room;
}

struct fill queue_waits(const struct queue *q)
{
    struct fill waits = {q->backlog->bytes, q->backlog->messages};
    if (!q->keep)
        return waits;
    struct fill behind = keep_behind(q->keep);
    waits.bytes += behind.bytes;
    waits.messages += behind.messages;
    return waits;
}

struct fill queue_given(const struct queue *q)
{
    return q->keep ? q->keep->given : (struct fill){0, 0};
}

/* Without memory it is tried again when there is something else to settle. */
static void queue_begin_keep(struct queue *q)
{
    queue_number(&q->channel);
    q->keep = keep_new(q, q->channel.turn->keeper);
    if (q->keep)
        channel_touch(&q->channel);
}

/* All trails are empty. */
static void queue_end_keep(struct queue *q)
{
    LIST_EACH (link, &q->channel.members) {
        struct subscriber *s = LIST_OF(link, struct subscriber, member);
        if (s->trail)
            trail_free(s->trail);
        s->trail = NULL;
    }
    keep_free(q->keep);
    q->keep = NULL;
}

void queue_review_durable(struct queue *q)
{
    if (!q->keep && queue_should_last(q))
        queue_begin_keep(q);
}

void queue_rest(struct channel *ch)
{
    struct queue *q = queue_of(ch);
    if (!q->keep)
        return;
    keep_rest(q->keep);
    if (!ch->rule->is_durable && ch->kind->is_empty(ch) &&
        !list_is_empty(&ch->members) && keep_is_settled(q->keep))
        queue_end_keep(q);
}

bool queue_is_frozen(const struct queue *q)
{
    return q->keep && q->keep->keeper->state == STORE_FAILED;
}

bool queue_may_stop(const struct queue *q)
{
    return q->keep && q->channel.turn->is_stopping;
}

uint64_t queue_drop_slices(struct queue *q, uint32_t slices)
{
    struct budget *budget = q->channel.turn->budget;
    uint64_t messages = 0;
    if (!q->keep)
        return backlog_drop_slices(q->backlog, budget, slices);
    for (; slices > 0 && !backlog_is_empty(q->backlog); slices--) {
        const struct slice *first = backlog_first(q->backlog);
        keep_ack(q->keep, first->first, first->messages);
        messages += backlog_drop_slices(q->backlog, budget, 1);
    }
    return messages;
}

/* How many of its messages are wholly in that many bytes. */
static uint32_t messages_in(const struct slice *s, uint64_t bytes,
                            message_size_fn *size)
{
    uint32_t messages = 0;
    for (uint32_t at = 0; messages < s->messages; messages++) {
        at += size(slice_bytes(s) + at);
        if (at > bytes)
            break;
    }
    return messages;
}

/* The first messages of a trail that are alike, whether a kernel had them or
 * not. False without memory. */
static bool put_back_some(struct queue *q, struct trail *t)
{
    message_size_fn *size = q->channel.turn->config.message_size;
    const struct slice *first = backlog_first(t->given);
    uint32_t handed = messages_in(first, t->handed, size);
    struct slice some =
        slice_front(first, handed > 0 ? handed : UINT32_MAX, size);
    struct slice rest = some;
    bool is_done = queue_put_back_slice(q, &rest, handed > 0);
    uint32_t bytes = some.length - rest.length;
    t->handed = handed > 0 ? t->handed - bytes : 0;
    if (bytes > 0)
        trail_forget(t, bytes, (uint32_t)some.messages - rest.messages);
    return is_done;
}

static bool put_back(struct queue *q, struct trail *t)
{
    while (!backlog_is_empty(t->given))
        if (!put_back_some(q, t))
            return false;
    trail_free(t);
    return true;
}

static bool put_back_strays(struct queue *q)
{
    struct list *strays = &q->keep->strays;
    while (!list_is_empty(strays))
        if (!put_back(q, LIST_OF(strays->next, struct trail, link)))
            return false;
    return true;
}

/* Memory may be there in the next tick. */
uint64_t queue_put_back_trail(struct queue *q, struct subscriber *s)
{
    struct trail *t = s->trail;
    if (!q->keep || !t)
        return 0;
    s->trail = NULL;
    uint64_t unsent = trail_leave(t);
    if (!put_back_strays(q))
        q->channel.turn->is_starved = true;
    return unsent;
}

void queue_fill_head(struct queue *q)
{
    if (!put_back_strays(q))
        q->channel.turn->is_starved = true;
    (void)keep_fill(q->keep);
}

bool queue_refill(struct queue *q)
{
    return q->keep && keep_fill(q->keep);
}

void queue_abandon(struct queue *q)
{
    struct list *link;
    if (!q->keep)
        return;
    while ((link = list_pop(&q->keep->strays)) != NULL)
        trail_free(LIST_OF(link, struct trail, link));
    keep_abandon(q->keep);
}
