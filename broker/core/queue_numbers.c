/* SPDX-License-Identifier: MIT */
#include "broker/core/queue_numbers.h"

#include "broker/core/queue_parts.h"
#include "broker/core/subscriber.h"

static uint64_t renumber(struct backlog *b, uint64_t first)
{
    for (uint32_t i = 0; i < b->count; i++) {
        backlog_at(b, i)->first = first;
        first += backlog_at(b, i)->messages;
    }
    return first;
}

/* The numbers of what consumers hold were not kept. They get those below what
 * the queue still has, in any order. */
void queue_number(struct channel *ch)
{
    struct queue *q = queue_of(ch);
    uint64_t messages = q->backlog->messages;
    if (q->is_numbered)
        return;
    q->is_numbered = true;
    LIST_EACH (link, &ch->members) {
        struct subscriber *s = LIST_OF(link, struct subscriber, member);
        subscriber_count_sent(s);
        messages += s->outbox->messages;
    }
    uint64_t next = ch->number - messages + 1;
    LIST_EACH (link, &ch->members)
        next = renumber(LIST_OF(link, struct subscriber, member)->outbox, next);
    renumber(q->backlog, next);
}
