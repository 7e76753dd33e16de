/* SPDX-License-Identifier: MIT */
#include "broker/core/topic.h"

#include <assert.h>

#include "broker/core/core.h"
#include "broker/core/policy.h"

enum {
    /* Whoever takes this part of its bound within `patience` is healthy. */
    TOPIC_GOOD_PART = 8,
};

struct topic {
    struct channel channel;
    struct backlog *held; /* for the first subscriber; empty while there is
                             one */
    struct list retired;  /* subscribers that are offered nothing more */
};

static struct topic *topic_of(const struct channel *ch)
{
    assert(ch->kind == &topic_kind);
    return (struct topic *)(void *)ch;
}

static const struct rule *rule_of(const struct subscriber *s)
{
    return s->channel->rule;
}

static bool topic_is_drained(const struct subscriber *s)
{
    const struct rule *rule = rule_of(s);
    return s->outbox->bytes <= rule->client_limit_bytes / 2 &&
           s->outbox->messages <= rule->limit_messages / 2;
}

/* How old the oldest message is does not tell a stalled reader from a steady
 * one that is slower than its outbox is long; so a subscriber is also judged
 * by what it took meanwhile. */
bool topic_is_impatient(const struct subscriber *s)
{
    uint32_t patience = rule_of(s)->patience_ms;
    clock_ms now = s->channel->core->now;
    return backlog_age_ms(s->outbox, now) >= patience &&
           clock_elapsed_ms(now, s->mark_at) >= patience;
}

void topic_set_state(struct subscriber *s, enum subscriber_state state)
{
    struct channel *ch = s->channel;
    struct core *c = ch->core;
    enum subscriber_state old = s->state;
    if (old == state || old == SUBSCRIBER_RETIRED)
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
        c->owner.slow(c->owner.arg, s);
    }
    if (old == SUBSCRIBER_SLOW && state == SUBSCRIBER_OK)
        c->owner.recovered(c->owner.arg, s);
}

void topic_count_dropped(struct subscriber *s, uint64_t messages,
                         enum counter_id why)
{
    s->dropped += messages;
    s->channel->dropped += messages;
    counter_add(s->channel->core->counters, why, messages);
}

/* One message may always wait, however long it is. */
static bool topic_is_over(struct subscriber *s)
{
    const struct rule *rule = rule_of(s);
    struct backlog *outbox = s->outbox;
    if (outbox->bytes <= rule->client_limit_bytes &&
        outbox->messages <= rule->limit_messages)
        return false;
    subscriber_settle(s);
    return outbox->messages > 1 && (outbox->bytes > rule->client_limit_bytes ||
                                    outbox->messages > rule->limit_messages);
}

static void topic_flushed(struct channel *ch, struct subscriber *s)
{
    if (topic_is_over(s))
        ch->rule->policy->enforce(s);
}

static void topic_offer(struct subscriber *s, const struct slice *slice)
{
    const struct policy *policy = rule_of(s)->policy;
    if (s->state == SUBSCRIBER_SLOW && policy->skips_slow)
        topic_count_dropped(s, slice->messages, policy->counter);
    else if (!subscriber_push(s->channel->core, s, slice))
        topic_count_dropped(s, slice->messages, COUNT_dropped_no_memory);
}

/* Nobody is there: the newest are kept, if the rule says so. */
static void topic_hold(struct channel *ch, const struct slice *slice)
{
    struct core *c = ch->core;
    struct backlog **held = &topic_of(ch)->held;
    const struct rule *rule = ch->rule;
    uint64_t before = (*held)->messages + slice->messages;
    if (rule->hold_messages > 0 && backlog_own(held, c->budget) &&
        backlog_push(*held, c->budget, slice))
        (void)backlog_drop_oldest(*held, c->budget, c->config.message_size,
                                  rule->client_limit_bytes,
                                  rule->hold_messages);
    uint64_t dropped = before - (*held)->messages;
    ch->dropped += dropped;
    counter_add(c->counters, COUNT_dropped_no_subscriber, dropped);
}

static void topic_accept(struct channel *ch, const struct slice *slice)
{
    if (list_is_empty(&ch->members)) {
        topic_hold(ch, slice);
        return;
    }
    LIST_EACH (link, &ch->members) {
        topic_offer(LIST_OF(link, struct subscriber, member), slice);
    }
}

static void topic_sent(struct channel *ch, struct subscriber *s)
{
    uint64_t good = ch->rule->client_limit_bytes / TOPIC_GOOD_PART;
    if (s->taken_bytes >= good) {
        s->taken_bytes = 0;
        s->mark_at = ch->core->now;
    }
    if (s->state != SUBSCRIBER_OK && topic_is_drained(s))
        topic_set_state(s, SUBSCRIBER_OK);
}

void topic_tick(struct subscriber *s)
{
    if (topic_is_impatient(s))
        topic_set_state(s, SUBSCRIBER_SLOW);
}

static void topic_init(struct channel *ch)
{
    topic_of(ch)->held = BACKLOG_NONE;
    list_init(&topic_of(ch)->retired);
}

static void topic_joined(struct channel *ch, struct subscriber *s)
{
    struct backlog *held = topic_of(ch)->held;
    s->mark_at = ch->core->now;
    for (uint32_t i = 0; i < held->count; i++)
        topic_offer(s, backlog_at(held, i));
    backlog_release(&topic_of(ch)->held, ch->core->budget);
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
    topic_let_go(ch, s);
    ch->dropped += s->outbox->messages;
    counter_add(ch->core->counters,
                ch->core->is_stopping ? COUNT_dropped_stopping
                                      : COUNT_dropped_gone,
                s->outbox->messages);
}

static void topic_retired(struct channel *ch, struct subscriber *s)
{
    topic_let_go(ch, s);
    list_remove(&s->member);
    list_insert(&topic_of(ch)->retired, &s->member);
}

/* A gate opens when every outbox has half its room. */
static uint64_t topic_room(const struct channel *ch)
{
    return ch->rule->client_limit_bytes / 2;
}

static bool topic_is_empty(const struct channel *ch)
{
    return backlog_is_empty(topic_of(ch)->held);
}

static void topic_shed_held(struct channel *ch)
{
    struct core *c = ch->core;
    uint64_t messages = topic_of(ch)->held->messages;
    if (messages == 0)
        return;
    backlog_release(&topic_of(ch)->held, c->budget);
    ch->dropped += messages;
    counter_add(c->counters, COUNT_dropped_memory, messages);
    channel_touch(ch);
}

static const struct backlog *topic_held(const struct channel *ch)
{
    return topic_of(ch)->held;
}

/* What pressing asks of one subscriber: nothing, if it holds little and is no
 * laggard; else to give back what it is owed, if it will not catch up or there
 * is no other way; else publishers wait for it. */
static void topic_press_one(struct subscriber *s, bool is_last_resort)
{
    bool is_large = s->outbox->bytes > CHANNEL_PRESS_BYTES;
    bool is_laggard = s->state == SUBSCRIBER_SLOW || topic_is_impatient(s);
    if (!is_large && !(is_last_resort && is_laggard))
        return;
    if (is_laggard || is_last_resort)
        rule_of(s)->policy->shed(s);
    else
        topic_set_state(s, SUBSCRIBER_BUSY);
}

static void topic_press_all(struct list *members, bool is_last_resort)
{
    LIST_EACH_SAFE (link, members) {
        struct subscriber *s = LIST_OF(link, struct subscriber, member);
        if (!backlog_is_empty(s->outbox))
            topic_press_one(s, is_last_resort);
    }
}

static void topic_press(struct channel *ch, bool is_last_resort)
{
    topic_shed_held(ch);
    topic_press_all(&ch->members, is_last_resort);
    topic_press_all(&topic_of(ch)->retired, is_last_resort);
}

static uint64_t topic_purge(struct channel *ch)
{
    uint64_t messages = topic_of(ch)->held->messages;
    backlog_release(&topic_of(ch)->held, ch->core->budget);
    return messages;
}

const struct channel_kind topic_kind = {
    .name = "topic",
    .size = sizeof(struct topic),
    .init = topic_init,
    .joined = topic_joined,
    .left = topic_left,
    .retired = topic_retired,
    .accept = topic_accept,
    .sent = topic_sent,
    .flushed = topic_flushed,
    .room = topic_room,
    .is_empty = topic_is_empty,
    .press = topic_press,
    .held = topic_held,
    .purge = topic_purge,
};
