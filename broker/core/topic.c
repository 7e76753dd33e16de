/* SPDX-License-Identifier: MIT */
#include "broker/core/topic.h"

#include "broker/core/core.h"

static const struct core_config *config_of(const struct subscriber *s)
{
    return &s->channel->core->config;
}

static bool topic_is_drained(const struct subscriber *s)
{
    return s->outbox.bytes <= config_of(s)->client_limit_bytes / 2;
}

static bool topic_is_impatient(const struct subscriber *s)
{
    clock_ms now = s->channel->core->now;
    return backlog_age_ms(&s->outbox, now) >= config_of(s)->patience_ms;
}

/* All changes of a topic subscriber's state. */
static void topic_set_state(struct subscriber *s, enum subscriber_state state)
{
    struct channel *ch = s->channel;
    struct core *c = ch->core;
    enum subscriber_state old = s->state;
    if (old == state)
        return;
    s->state = state;
    if (old == SUBSCRIBER_BUSY) {
        list_remove(&s->turn);
        channel_open_gate(ch);
    }
    if (state == SUBSCRIBER_BUSY) {
        list_insert(&c->busy, &s->turn);
        channel_close_gate(ch);
    }
    if (state == SUBSCRIBER_SLOW) {
        counter_add(c->counters, COUNT_slow_subscribers, 1);
        c->notices.slow(c->notices.arg, s);
    }
    if (old == SUBSCRIBER_SLOW && state == SUBSCRIBER_OK)
        c->notices.recovered(c->notices.arg, s);
}

static void topic_drop(struct subscriber *s, const struct slice *slice,
                       enum counter_id why)
{
    struct channel *ch = s->channel;
    s->dropped += slice->messages;
    ch->dropped += slice->messages;
    counter_add(ch->core->counters, why, slice->messages);
}

static bool topic_fits(const struct subscriber *s, const struct slice *slice)
{
    return backlog_is_empty(&s->outbox) ||
           s->outbox.bytes + slice->length <= config_of(s)->client_limit_bytes;
}

static void topic_offer(struct subscriber *s, const struct slice *slice)
{
    if (!topic_fits(s, slice)) {
        if (s->state == SUBSCRIBER_SLOW || topic_is_impatient(s)) {
            topic_set_state(s, SUBSCRIBER_SLOW);
            topic_drop(s, slice, COUNT_dropped_slow);
            return;
        }
        /* What has been read already is taken all the same: the excess is
         * what the publishers brought in one read each. */
        topic_set_state(s, SUBSCRIBER_BUSY);
    }
    if (!subscriber_push(s->channel->core, s, slice))
        topic_drop(s, slice, COUNT_dropped_no_memory);
}

static void topic_accept(struct channel *ch, const struct slice *slice)
{
    LIST_EACH (link, &ch->members)
        topic_offer(LIST_OF(link, struct subscriber, member), slice);
}

static void topic_sent(struct channel *ch, struct subscriber *s)
{
    (void)ch;
    if (s->state != SUBSCRIBER_OK && topic_is_drained(s))
        topic_set_state(s, SUBSCRIBER_OK);
}

void topic_tick(struct subscriber *s)
{
    if (topic_is_impatient(s))
        topic_set_state(s, SUBSCRIBER_SLOW);
}

static void topic_joined(struct channel *ch, struct subscriber *s)
{
    (void)ch;
    (void)s;
}

/* Whoever leaves holds nobody up any more, and no notice is due. */
static void topic_let_go(struct channel *ch, struct subscriber *s)
{
    if (s->state == SUBSCRIBER_BUSY) {
        list_remove(&s->turn);
        channel_open_gate(ch);
    }
    s->state = SUBSCRIBER_RETIRED;
}

static void topic_left(struct channel *ch, struct subscriber *s)
{
    uint32_t whole;
    (void)subscriber_whole_bytes(s, &whole);
    topic_let_go(ch, s);
    uint64_t dropped = s->outbox.messages - whole;
    counter_add(ch->core->counters,
                ch->core->is_stopping ? COUNT_dropped_stopping
                                      : COUNT_dropped_gone,
                dropped);
    ch->dropped += dropped;
}

static void topic_retired(struct channel *ch, struct subscriber *s)
{
    topic_let_go(ch, s);
    list_remove(&s->member); /* it is offered nothing more */
}

static void topic_settle(struct channel *ch)
{
    (void)ch;
}

/* A gate opens when every outbox has half its room. */
static uint64_t topic_room(const struct channel *ch)
{
    return ch->core->config.client_limit_bytes / 2;
}

static bool topic_is_empty(const struct channel *ch)
{
    (void)ch;
    return true;
}

static void topic_nothing(struct channel *ch)
{
    (void)ch;
}

const struct channel_kind topic_kind = {
    .name = "topic",
    .size = sizeof(struct channel),
    .init = topic_nothing,
    .joined = topic_joined,
    .left = topic_left,
    .retired = topic_retired,
    .accept = topic_accept,
    .settle = topic_settle,
    .sent = topic_sent,
    .room = topic_room,
    .is_empty = topic_is_empty,
    .fini = topic_nothing,
};
