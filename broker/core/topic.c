/* SPDX-License-Identifier: MIT */
#include "broker/core/topic.h"

#include <assert.h>

#include "broker/core/patience.h"
#include "broker/core/topic_policy.h"
#include "broker/core/turn.h"

enum {
    /* A subscriber that has been healthy for so many times `patience` is
     * waited for even when others have used that up. */
    TOPIC_HEALTHY_PATIENCES = 5,
    /* Until it has read as much as its bound, a subscriber that takes nothing
     * is waited for no longer than this. */
    TOPIC_FIRST_MS = 1000,
    /* What the kernel takes for a subscriber that reads nothing is less. */
    TOPIC_KERNEL_BYTES = 8 << 20,
};

struct topic {
    struct channel channel;
    struct backlog *held; /* for the first subscriber; empty while there is one,
                             unless more are awaited */
    struct list *retired; /* a ring of the subscribers that are offered nothing
                             more; NULL when there are none */
    struct patience *patience; /* NULL when nothing of it was spent */
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

static struct limits topic_limits(const struct channel *ch)
{
    return (struct limits){ch->rule->client_limit_bytes,
                           ch->rule->limit_messages};
}

/* What is pledged is as good as sent. */
static bool topic_fits_pledged(const struct subscriber *s, struct limits limits)
{
    const struct backlog *b = s->outbox;
    uint64_t bytes;
    uint64_t messages =
        backlog_pledged(b, s->channel->turn->config.message_size, &bytes);
    return b->bytes - bytes <= limits.bytes &&
           b->messages - messages <= limits.messages;
}

static bool topic_fits(const struct subscriber *s, struct limits limits)
{
    if (s->outbox->bytes <= limits.bytes &&
        s->outbox->messages <= limits.messages)
        return true;
    return s->outbox->pledged > 0 && topic_fits_pledged(s, limits);
}

static bool topic_is_half_drained(const struct subscriber *s)
{
    struct limits limits = topic_limits(s->channel);
    return topic_fits(s,
                      (struct limits){limits.bytes / 2, limits.messages / 2});
}

/* Whether it has taken little for so long that it would be slow, if its outbox
 * were over its bound. The age of the oldest message does not distinguish a
 * stalled reader from a steady one that is slow for the length of its outbox;
 * so it is also judged by how much it took in that time. */
static bool topic_is_impatient(const struct subscriber *s)
{
    uint32_t patience = rule_of(s)->patience_ms;
    clock_ms now = s->channel->turn->now;
    return backlog_age_ms(s->outbox, now) >= patience &&
           clock_elapsed_ms(now, s->mark_at) >= patience;
}

/* What waiting for it in vain must leave of the topic's patience. */
static int64_t topic_least_patience(const struct subscriber *s)
{
    const struct patience *p = topic_of(s->channel)->patience;
    clock_ms now = s->channel->turn->now;
    int64_t most = rule_of(s)->patience_ms;
    if (s->has_read &&
        clock_elapsed_ms(now, s->known_since) >= TOPIC_HEALTHY_PATIENCES * most)
        return -most;
    if (s->has_read || most < TOPIC_FIRST_MS ||
        patience_was_tried_since(p, s->known_since, now))
        return 0;
    return most - TOPIC_FIRST_MS;
}

bool topic_may_wait(const struct subscriber *s)
{
    clock_ms now = s->channel->turn->now;
    clock_ms since = s->state == SUBSCRIBER_BUSY ? s->mark_at : now;
    if (topic_is_impatient(s))
        return false;
    if (!s->has_read && !s->has_moved &&
        clock_elapsed_ms(now, since) >= TOPIC_FIRST_MS)
        return false;
    return patience_allows(topic_of(s->channel)->patience,
                           rule_of(s)->patience_ms, topic_least_patience(s),
                           since, now);
}

static void topic_start_waiting(struct subscriber *s)
{
    s->was_busy = true;
    s->has_moved = false;
    s->mark_at = s->channel->turn->now;
    s->taken_bytes = 0;
    list_insert(&s->channel->turn->busy, &s->busy);
    gate_close(&s->channel->gate);
}

static void topic_stop_waiting(struct subscriber *s)
{
    list_remove(&s->busy);
    gate_open(&s->channel->gate, &s->channel->turn->open_gates);
}

static void topic_wait_in_vain(struct subscriber *s)
{
    patience_charge(&topic_of(s->channel)->patience, s->channel,
                    rule_of(s)->patience_ms, s->mark_at);
    topic_stop_waiting(s);
}

void topic_set_state(struct subscriber *s, enum subscriber_state state)
{
    struct channel *ch = s->channel;
    struct turn *t = ch->turn;
    enum subscriber_state old = s->state;
    if (old == state || old == SUBSCRIBER_RETIRED)
        return;
    channel_commit(ch); /* the receipts of what is pending count it as it was */
    s->state = (uint8_t)state;
    if (old == SUBSCRIBER_SLOW)
        ch->slow_count--;
    if (old == SUBSCRIBER_BUSY && state == SUBSCRIBER_OK)
        topic_stop_waiting(s);
    if (old == SUBSCRIBER_BUSY && state == SUBSCRIBER_SLOW)
        topic_wait_in_vain(s);
    if (state == SUBSCRIBER_BUSY)
        topic_start_waiting(s);
    if (state == SUBSCRIBER_SLOW) {
        ch->slow_count++;
        s->known_since = t->now;
        s->was_busy = s->has_read = false;
        counter_add(t->counters, COUNT_slow_subscribers, 1);
        t->owner.slow(t->owner.arg, s);
    }
    if (old == SUBSCRIBER_SLOW && state == SUBSCRIBER_OK)
        t->owner.recovered(t->owner.arg, s);
}

static void topic_count_missed(struct subscriber *s, uint64_t messages,
                               enum counter_id why)
{
    if (s->outbox != BACKLOG_NONE && messages > 0)
        s->outbox->is_memory =
            why == COUNT_dropped_memory || why == COUNT_dropped_no_memory;
    s->dropped += messages;
    channel_count_dropped(s->channel, messages, why);
}

void topic_drop(struct subscriber *s, backlog_drop_fn *drop, uint64_t bytes,
                uint64_t messages, enum counter_id why)
{
    topic_count_missed(s, subscriber_drop(s, drop, bytes, messages), why);
}

/* One message may always wait, however long it is. */
static bool topic_is_over(struct subscriber *s)
{
    struct limits limits = topic_limits(s->channel);
    if (topic_fits(s, limits))
        return false;
    subscriber_count_sent(s);
    return s->outbox->messages > 1 && !topic_fits(s, limits);
}

static void topic_flushed(struct channel *ch, struct subscriber *s)
{
    if (topic_is_over(s))
        ch->rule->policy->enforce(s);
}

static void topic_offer(struct subscriber *s, const struct slice *slice)
{
    if (s->kind != SUBSCRIBER_PLAIN && !subscriber_note(s, slice)) {
        subscriber_doom(s);
        return;
    }
    if (s->state == SUBSCRIBER_SLOW && rule_of(s)->policy->skips_slow)
        topic_count_missed(s, slice->messages, rule_of(s)->policy->counter);
    else if (!subscriber_push(s, slice))
        topic_count_missed(s, slice->messages, COUNT_dropped_no_memory);
}

/* Without subscribers the newest messages are kept, if the rule says so. */
static void topic_hold(struct channel *ch, const struct slice *slice)
{
    struct turn *t = ch->turn;
    struct backlog **held = &topic_of(ch)->held;
    const struct rule *rule = ch->rule;
    uint64_t before = (*held)->messages + slice->messages;
    if (rule->hold_messages > 0 && backlog_own(held, t->budget) &&
        backlog_push(*held, t->budget, slice))
        (void)backlog_drop_oldest(*held, t->budget, t->config.message_size,
                                  rule->client_limit_bytes,
                                  rule->hold_messages);
    channel_count_dropped(ch, before - (*held)->messages,
                          COUNT_dropped_no_subscriber);
}

/* More subscribers are awaited, which get this, too. */
static void topic_keep(struct channel *ch, const struct slice *slice)
{
    struct backlog **held = &topic_of(ch)->held;
    struct budget *budget = ch->turn->budget;
    if (!backlog_own(held, budget) || !backlog_push(*held, budget, slice))
        channel_count_dropped(ch, slice->messages, COUNT_dropped_no_memory);
    backlog_disown(held, budget);
}

/* Flattened: the offer is made for each subscriber (2 % of 1 to 10). */
__attribute__((flatten)) static void topic_accept(struct channel *ch,
                                                  struct slice *slice)
{
    bool is_for_some = !list_is_empty(&ch->members) || ch->is_awaited;
    if (is_for_some || ch->rule->hold_messages > 0)
        channel_number(ch, slice);
    if (!is_for_some) {
        topic_hold(ch, slice);
        return;
    }
    if (ch->is_awaited)
        topic_keep(ch, slice);
    LIST_EACH (link, &ch->members) {
        topic_offer(LIST_OF(link, struct subscriber, member), slice);
    }
}

static void topic_sent(struct channel *ch, struct subscriber *s, uint64_t bytes)
{
    s->taken_bytes = bytes < UINT32_MAX - s->taken_bytes
                         ? s->taken_bytes + (uint32_t)bytes
                         : UINT32_MAX;
    if (s->taken_bytes >= ch->rule->client_limit_bytes) {
        if (s->was_busy || s->taken_bytes >= TOPIC_KERNEL_BYTES)
            s->has_read = true;
        s->taken_bytes = 0;
        s->mark_at = ch->turn->now;
    }
    if (s->state == SUBSCRIBER_OK)
        return;
    s->has_moved = true;
    if (topic_is_half_drained(s))
        topic_set_state(s, SUBSCRIBER_OK);
}

void topic_tick_busy(struct subscriber *s)
{
    if (!topic_may_wait(s))
        topic_set_state(s, SUBSCRIBER_SLOW);
}

void topic_tick_wary(struct turn *t)
{
    while (!list_is_empty(&t->wary)) {
        struct patience *p = LIST_OF(t->wary.next, struct patience, wary);
        struct channel *ch = p->channel;
        if (!patience_is_full(p, ch->rule->patience_ms, t->now))
            return;
        patience_free(p);
        channel_touch(ch); /* it may be unused */
    }
}

static void topic_init(struct channel *ch)
{
    topic_of(ch)->held = BACKLOG_NONE;
}

/* It is told of messages that could not be kept for it. */
static void topic_note_awaited(struct subscriber *s, uint64_t number)
{
    const struct slice none = {.first = number + 1};
    const struct channel *ch = s->channel;
    if (s->kind == SUBSCRIBER_PLAIN || ch->number == ch->base)
        return;
    if (!subscriber_note(s, &none))
        subscriber_doom(s);
}

static void topic_joined(struct channel *ch, struct subscriber *s)
{
    struct backlog *held = topic_of(ch)->held;
    s->mark_at = s->known_since = ch->turn->now;
    if (ch->is_awaited)
        topic_note_awaited(s, ch->base);
    for (uint32_t i = 0; i < held->count; i++)
        topic_offer(s, backlog_at(held, i));
    if (ch->is_awaited)
        topic_note_awaited(s, ch->number);
    else
        backlog_release(&topic_of(ch)->held, ch->turn->budget);
}

/* What was kept is kept on only if nobody came. */
static void topic_completed(struct channel *ch)
{
    struct backlog **held = &topic_of(ch)->held;
    struct turn *t = ch->turn;
    if (!list_is_empty(&ch->members)) {
        backlog_release(held, t->budget);
        return;
    }
    uint64_t before = (*held)->messages;
    if (ch->rule->hold_messages == 0)
        backlog_release(held, t->budget);
    else
        (void)backlog_drop_oldest(*held, t->budget, t->config.message_size,
                                  ch->rule->client_limit_bytes,
                                  ch->rule->hold_messages);
    channel_count_dropped(ch, before - (*held)->messages,
                          COUNT_dropped_no_subscriber);
}

/* Publishers no longer wait for a subscriber that leaves, and no notice is
 * due. */
static void topic_let_go(struct subscriber *s)
{
    if (s->state == SUBSCRIBER_BUSY)
        topic_wait_in_vain(s);
    if (s->state == SUBSCRIBER_SLOW)
        s->channel->slow_count--;
    s->state = SUBSCRIBER_RETIRED;
}

static void topic_left(struct channel *ch, struct subscriber *s)
{
    struct list **retired = &topic_of(ch)->retired;
    if (*retired == &s->member)
        *retired = list_is_empty(&s->member) ? NULL : s->member.next;
    topic_let_go(s);
    channel_count_dropped(ch, s->outbox->messages,
                          ch->turn->is_stopping ? COUNT_dropped_stopping
                                                : COUNT_dropped_gone);
}

static void topic_retired(struct channel *ch, struct subscriber *s)
{
    topic_let_go(s);
    struct list **retired = &topic_of(ch)->retired;
    list_remove(&s->member);
    if (*retired)
        list_insert(*retired, &s->member);
    else
        *retired = &s->member;
}

/* A gate opens when every outbox has half its room. */
static uint64_t topic_room(const struct channel *ch)
{
    return ch->rule->client_limit_bytes / 2;
}

static bool topic_is_empty(const struct channel *ch)
{
    const struct topic *t = topic_of(ch);
    return backlog_is_empty(t->held) && !t->patience && !t->retired;
}

static uint64_t topic_purge(struct channel *ch, uint32_t slices)
{
    struct topic *t = topic_of(ch);
    struct budget *budget = ch->turn->budget;
    uint64_t messages = backlog_drop_slices(t->held, budget, slices);
    backlog_disown(&t->held, budget);
    return messages;
}

/* It may hold more than it may hold now, and its patience is another. */
static void topic_rule_changed(struct channel *ch)
{
    patience_free(topic_of(ch)->patience);
    if (ch->rule->hold_messages == 0 && !ch->is_awaited)
        channel_count_dropped(ch, topic_purge(ch, UINT32_MAX),
                              COUNT_dropped_no_subscriber);
}

static const struct backlog *topic_held(const struct channel *ch)
{
    return topic_of(ch)->held;
}

static bool topic_is_laggard(const struct subscriber *s)
{
    return s->state == SUBSCRIBER_SLOW || topic_is_impatient(s);
}

/* Leaves small, healthy subscribers alone; sheds the outbox of laggards, and
 * of all when memory is exhausted; makes publishers wait for the rest. */
static void topic_press_one(struct subscriber *s, bool is_exhausted)
{
    bool is_large = s->outbox->bytes > CHANNEL_PRESS_BYTES;
    bool is_laggard = topic_is_laggard(s);
    if (!is_large && !(is_exhausted && is_laggard))
        return;
    if (is_laggard || is_exhausted)
        rule_of(s)->policy->shed(s);
    else
        topic_set_state(s, SUBSCRIBER_BUSY);
}

/* Not what its channel holds is too much, so its size does not matter. */
static void topic_press_subscriber(struct subscriber *s)
{
    if (topic_is_laggard(s))
        rule_of(s)->policy->shed(s);
    else
        topic_set_state(s, SUBSCRIBER_BUSY);
}

static void topic_press_member(struct list *link, bool is_exhausted)
{
    struct subscriber *s = LIST_OF(link, struct subscriber, member);
    if (!backlog_is_empty(s->outbox))
        topic_press_one(s, is_exhausted);
}

static void topic_press(struct channel *ch, bool is_exhausted)
{
    if (!backlog_is_empty(topic_of(ch)->held) && !ch->is_awaited) {
        channel_count_dropped(ch, topic_purge(ch, UINT32_MAX),
                              COUNT_dropped_memory);
        channel_touch(ch);
    }
    LIST_EACH_SAFE (link, &ch->members)
        topic_press_member(link, is_exhausted);
    struct list *first = topic_of(ch)->retired, *link = first;
    while (link) {
        topic_press_member(link, is_exhausted);
        link = link->next == first ? NULL : link->next;
    }
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
    .completed = topic_completed,
    .rule_changed = topic_rule_changed,
    .room = topic_room,
    .is_empty = topic_is_empty,
    .press = topic_press,
    .press_member = topic_press_subscriber,
    .held = topic_held,
    .limits = topic_limits,
    .subscriber_limits = topic_limits,
    .purge = topic_purge,
};
