/* SPDX-License-Identifier: MIT */
#include "broker/core/queue_ended.h"

#include "broker/core/backlog_drop.h"
#include "broker/core/held.h"
#include "broker/core/queue_held.h"
#include "broker/core/queue_kept.h"
#include "broker/core/queue_parts.h"

/* Fewer than this part of the backlog can hardly be what makes it full, and a
 * walk costs each of them no more than so many steps. */
enum { QUEUE_ENDED_PART = 16 };

static bool queue_is_ended(void *queue, const struct slice *s)
{
    const struct queue *q = queue;
    const struct core_owner *owner = &q->channel.turn->owner;
    const uint8_t *text;
    uint32_t length = slice_text(s, &text);
    return length > 0 && owner->is_ended &&
           owner->is_ended(owner->arg, text, length);
}

void queue_note_ended(struct channel *ch)
{
    struct queue *q = queue_of(ch);
    q->ended++;
    if (q->fullness.is_full)
        channel_touch(ch);
}

static void queue_count_ended(struct queue *q, uint64_t messages)
{
    channel_count_dropped(&q->channel, messages, COUNT_dropped_requests);
}

void queue_skip_ended(struct queue *q)
{
    const struct held *returned;
    while ((returned = queue_first_returned(q)) != NULL &&
           queue_is_ended(q, &returned->slice))
        queue_count_ended(q, queue_drop_returned(q, 1));
    while (!backlog_is_empty(q->backlog) &&
           queue_is_ended(q, backlog_first(q->backlog)))
        queue_count_ended(q, queue_drop_slices(q, 1));
}

bool queue_sweep_ended(struct queue *q)
{
    const struct backlog *b = q->backlog;
    if (q->keep || q->ended == 0 || q->ended < b->count / QUEUE_ENDED_PART)
        return false;
    int64_t bytes = (int64_t)b->bytes;
    uint64_t messages =
        backlog_drop_if(q->backlog, q->channel.turn->budget, queue_is_ended, q);
    q->ended = 0;
    queue_count(q, -(int64_t)messages, (int64_t)b->bytes - bytes);
    queue_count_ended(q, messages);
    return messages > 0;
}
