/* SPDX-License-Identifier: MIT */
#include "broker/core/subscriber.h"

#include "broker/core/core.h"

void subscriber_init(struct subscriber *s)
{
    *s = (struct subscriber){.state = SUBSCRIBER_NONE, .outbox = BACKLOG_NONE};
    list_init(&s->member);
    list_init(&s->turn);
    list_init(&s->dirty);
}

/* After adding to the outbox was tried: has it flushed if that succeeded. */
static bool subscriber_added(struct core *c, struct subscriber *s,
                             bool is_added)
{
    if (!is_added)
        backlog_disown(&s->outbox, c->budget);
    else if (list_is_empty(&s->dirty))
        list_insert(&c->dirty, &s->dirty);
    return is_added;
}

bool subscriber_push(struct core *c, struct subscriber *s,
                     const struct slice *slice)
{
    return backlog_own(&s->outbox, c->budget) &&
           subscriber_added(c, s, backlog_push(s->outbox, c->budget, slice));
}

bool subscriber_gather(struct core *c, struct subscriber *s,
                       const uint8_t *message, uint32_t n, clock_ms at)
{
    return backlog_own(&s->outbox, c->budget) &&
           subscriber_added(c, s,
                            backlog_gather(s->outbox, c->budget, &c->pool,
                                           &s->channel->account, message, n,
                                           at));
}

static void subscriber_count_out(struct subscriber *s, uint32_t messages)
{
    s->messages_out += messages;
    s->channel->messages_out += messages;
    counter_add(s->channel->core->counters, COUNT_messages_out, messages);
}

void subscriber_settle(struct subscriber *s)
{
    if (!s->channel)
        return;
    message_size_fn *size = s->channel->core->config.message_size;
    subscriber_count_out(s, backlog_settle(s->outbox, size));
}

void subscriber_doom(struct subscriber *s)
{
    list_remove(&s->dirty);
    list_insert(&s->channel->core->doomed, &s->dirty);
}

void subscriber_sent(struct core *c, struct subscriber *s, uint64_t bytes)
{
    uint32_t messages = backlog_consume(s->outbox, c->budget, bytes);
    backlog_disown(&s->outbox, c->budget);
    s->taken_bytes = bytes < UINT32_MAX - s->taken_bytes
                         ? s->taken_bytes + (uint32_t)bytes
                         : UINT32_MAX;
    subscriber_count_out(s, messages);
    s->channel->kind->sent(s->channel, s);
}

void subscriber_flushed(struct subscriber *s)
{
    bool is_judged = s->state != SUBSCRIBER_NONE &&
                     s->state != SUBSCRIBER_RETIRED &&
                     s->channel->kind->flushed;
    if (is_judged && !backlog_is_empty(s->outbox))
        s->channel->kind->flushed(s->channel, s);
}

void subscriber_retire(struct subscriber *s)
{
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
    subscriber_settle(s);
    ch->kind->left(ch, s);
    list_remove(&s->member);
    list_remove(&s->dirty);
    ch->member_count--;
    backlog_release(&s->outbox, c->budget);
    s->channel = NULL;
    s->state = SUBSCRIBER_NONE;
    counter_sub(c->counters, COUNT_subscribers, 1);
    channel_touch(ch);
}
