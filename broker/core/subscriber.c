/* SPDX-License-Identifier: MIT */
#include "broker/core/subscriber.h"

#include <assert.h>

#include "broker/core/channel.h"
#include "broker/core/turn.h"

void subscriber_init(struct subscriber *s)
{
    *s = (struct subscriber){.state = SUBSCRIBER_NONE, .outbox = BACKLOG_NONE};
    list_init(&s->member);
    list_init(&s->ready);
    list_init(&s->dirty);
}

void subscriber_join(struct subscriber *s, struct channel *ch)
{
    assert(s->state == SUBSCRIBER_NONE);
    channel_commit(ch); /* earlier messages are not for it */
    s->channel = ch;
    s->state = SUBSCRIBER_OK;
    s->order = ++ch->turn->joined;
    list_insert(&ch->members, &s->member);
    ch->member_count++;
    if (s->kind == SUBSCRIBER_PLAIN)
        ch->has_plain = ch->is_certain = true;
    counter_add(ch->turn->counters, COUNT_subscribers, 1);
    if (ch->kind->joined)
        ch->kind->joined(ch, s);
}

/* The outbox. */

/* Has it flushed when the turn ends. */
static void subscriber_soil(struct turn *t, struct subscriber *s)
{
    if (s->is_kept) {
        list_remove(&s->dirty);
        s->is_kept = false;
    }
    if (list_is_empty(&s->dirty))
        list_insert(&t->dirty, &s->dirty);
}

/* After an attempt to add to the outbox: has it flushed if that succeeded. */
static bool subscriber_added(struct turn *t, struct subscriber *s,
                             bool is_added)
{
    if (!is_added)
        backlog_disown(&s->outbox, t->budget);
    else
        subscriber_soil(t, s);
    return is_added;
}

bool subscriber_note(struct subscriber *s, const struct slice *slice)
{
    struct turn *t = s->channel->turn;
    bool is_first = s->outbox == BACKLOG_NONE;
    if (!backlog_own(&s->outbox, t->budget))
        return false;
    if (is_first)
        s->outbox->told = slice->first - 1;
    s->outbox->offered = slice->first + slice->messages - 1;
    subscriber_soil(t, s);
    return true;
}

void subscriber_told(struct subscriber *s, uint64_t number)
{
    s->outbox->told = number;
    backlog_disown(&s->outbox, s->channel->turn->budget);
}

void subscriber_keep(struct subscriber *s, struct list *list)
{
    list_remove(&s->dirty);
    list_insert(list, &s->dirty);
    s->is_kept = true;
}

uint64_t subscriber_number(const struct subscriber *s)
{
    return s->outbox == BACKLOG_NONE ? s->channel->number : s->outbox->told;
}

bool subscriber_push(struct subscriber *s, const struct slice *slice)
{
    struct turn *t = s->channel->turn;
    return backlog_own(&s->outbox, t->budget) &&
           subscriber_added(t, s, backlog_push(s->outbox, t->budget, slice));
}

bool subscriber_gather(struct subscriber *s, const uint8_t *message, uint32_t n,
                       clock_ms at, uint64_t number)
{
    struct turn *t = s->channel->turn;
    return backlog_own(&s->outbox, t->budget) &&
           subscriber_added(t, s,
                            backlog_gather(s->outbox, t->budget, &t->pool,
                                           &s->channel->account, message, n, at,
                                           number));
}

static void subscriber_count_out(struct subscriber *s, uint32_t messages)
{
    s->messages_out += messages;
    s->channel->messages_out += messages;
    counter_add(s->channel->turn->counters, COUNT_messages_out, messages);
}

void subscriber_count_sent(struct subscriber *s)
{
    if (s->channel)
        subscriber_count_out(
            s, backlog_forget_sent(s->outbox,
                                   s->channel->turn->config.message_size));
}

uint32_t subscriber_drop(struct subscriber *s, backlog_drop_fn *drop,
                         uint64_t bytes, uint64_t messages)
{
    const struct turn *t = s->channel->turn;
    message_size_fn *size = t->config.message_size;
    subscriber_count_sent(s);
    if (s->outbox->pledged > 0) {
        uint64_t pledged, count = backlog_pledged(s->outbox, size, &pledged);
        bytes = bytes < UINT64_MAX - pledged ? bytes + pledged : UINT64_MAX;
        messages =
            messages < UINT64_MAX - count ? messages + count : UINT64_MAX;
    }
    return drop(s->outbox, t->budget, size, bytes, messages);
}

void subscriber_sent(struct subscriber *s, uint64_t bytes)
{
    struct channel *ch = s->channel;
    struct budget *budget = ch->turn->budget;
    uint32_t messages = backlog_consume(s->outbox, budget, bytes);
    backlog_disown(&s->outbox, budget);
    subscriber_count_out(s, messages);
    ch->kind->sent(ch, s, bytes);
}

void subscriber_flushed(struct subscriber *s)
{
    if (backlog_is_empty(s->outbox) || s->state == SUBSCRIBER_RETIRED)
        return;
    if (s->channel->kind->flushed)
        s->channel->kind->flushed(s->channel, s);
}

/* Leaving. */

void subscriber_press(struct subscriber *s)
{
    if (s->channel && s->channel->kind->press_member &&
        !backlog_is_empty(s->outbox))
        s->channel->kind->press_member(s);
}

void subscriber_doom(struct subscriber *s)
{
    list_remove(&s->dirty);
    s->is_kept = false;
    list_insert(&s->channel->turn->doomed, &s->dirty);
}

void subscriber_retire(struct subscriber *s)
{
    if (s->state == SUBSCRIBER_NONE || s->state == SUBSCRIBER_RETIRED)
        return;
    /* Messages published before the goodbye are owed as well. */
    channel_commit(s->channel);
    s->channel->kind->retired(s->channel, s);
    s->channel->member_count--;
}

void subscriber_leave(struct subscriber *s)
{
    struct channel *ch = s->channel;
    if (s->state == SUBSCRIBER_NONE)
        return;
    channel_commit(ch);
    subscriber_count_sent(s);
    if (s->state != SUBSCRIBER_RETIRED)
        ch->member_count--;
    ch->kind->left(ch, s);
    list_remove(&s->member);
    list_remove(&s->dirty);
    s->is_kept = false;
    if (s->kind == SUBSCRIBER_PLAIN)
        ch->is_certain = false;
    backlog_release(&s->outbox, ch->turn->budget);
    s->channel = NULL;
    s->state = SUBSCRIBER_NONE;
    counter_sub(ch->turn->counters, COUNT_subscribers, 1);
    channel_touch(ch);
}
