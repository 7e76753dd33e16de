/* SPDX-License-Identifier: MIT */
#include "broker/core/subscriber.h"

#include <assert.h>

#include "broker/core/core.h"

void subscriber_init(struct subscriber *s)
{
    *s = (struct subscriber){.state = SUBSCRIBER_NONE};
    list_init(&s->member);
    list_init(&s->turn);
    list_init(&s->dirty);
}

bool subscriber_push(struct core *c, struct subscriber *s,
                     const struct slice *slice)
{
    if (!backlog_push(&s->outbox, c->budget, slice))
        return false;
    if (list_is_empty(&s->dirty))
        list_insert(&c->dirty, &s->dirty);
    return true;
}

uint32_t subscriber_whole_bytes(const struct subscriber *s, uint32_t *messages)
{
    const struct backlog *outbox = &s->outbox;
    uint32_t whole = 0;
    *messages = 0;
    if (backlog_is_empty(outbox))
        return 0;
    const struct slice *head = backlog_first(outbox);
    const uint8_t *start = head->block->bytes + head->offset;
    while (whole < outbox->sent) {
        uint32_t n = s->channel->core->config.message_size(start + whole);
        if (whole + n > outbox->sent)
            break;
        whole += n;
        ++*messages;
    }
    return whole;
}

static void subscriber_count_out(struct core *c, struct subscriber *s,
                                 uint32_t messages)
{
    s->messages_out += messages;
    s->channel->messages_out += messages;
    counter_add(c->counters, COUNT_messages_out, messages);
}

void subscriber_sent(struct core *c, struct subscriber *s, uint64_t bytes)
{
    uint32_t messages = backlog_consume(&s->outbox, c->budget, bytes);
    subscriber_count_out(c, s, messages);
    if (s->state != SUBSCRIBER_RETIRED)
        s->channel->kind->sent(s->channel, s);
}

void subscriber_retire(struct core *c, struct subscriber *s)
{
    (void)c;
    if (s->state == SUBSCRIBER_NONE || s->state == SUBSCRIBER_RETIRED)
        return;
    /* What was published before the goodbye is owed as well. */
    channel_commit(s->channel);
    s->channel->kind->retired(s->channel, s);
}

void subscriber_leave(struct core *c, struct subscriber *s)
{
    struct channel *ch = s->channel;
    if (s->state == SUBSCRIBER_NONE)
        return;
    channel_commit(ch);
    uint32_t whole;
    (void)subscriber_whole_bytes(s, &whole);
    subscriber_count_out(c, s, whole);
    ch->kind->left(ch, s);
    list_remove(&s->member);
    list_remove(&s->dirty);
    ch->member_count--;
    backlog_clear(&s->outbox, c->budget);
    s->channel = NULL;
    s->state = SUBSCRIBER_NONE;
    counter_sub(c->counters, COUNT_subscribers, 1);
    channel_free_unused(ch);
}
