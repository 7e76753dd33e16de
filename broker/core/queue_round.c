/* SPDX-License-Identifier: MIT */
#include "broker/core/queue_round.h"

#include "broker/core/queue_parts.h"
#include "broker/core/subscriber.h"

void queue_round_enter(struct queue *q, struct subscriber *s)
{
    struct list *pos = &q->ready;
    uint64_t best = 0;
    LIST_EACH (link, &q->ready) {
        struct subscriber *o = LIST_OF(link, struct subscriber, ready);
        if (o->order < s->order && o->order >= best) {
            best = o->order;
            pos = link->next;
        }
    }
    list_insert(pos, &s->ready);
}

bool queue_round_resume(struct subscriber *s)
{
    struct channel *ch = s->channel;
    bool has_some = ch->pending > 0 || channel_depth(ch).messages > 0;
    queue_round_enter(queue_of(ch), s);
    if (has_some)
        channel_touch(ch);
    return has_some;
}
