/* SPDX-License-Identifier: MIT */
#include "broker/core/core.h"

#include <assert.h>

#include "broker/core/pressure.h"
#include "broker/core/queue.h"
#include "broker/core/route.h"
#include "broker/core/tap.h"
#include "broker/core/topic.h"
#include "proto/pattern.h"

enum {
    /* Consumers that took all they were given may be given more at once; how
     * often in one turn is bounded, so that one cannot delay all others. */
    CORE_ROUNDS_MAX = 16,
};

void core_init(struct core *c, const struct core_config *config,
               const struct core_owner *owner, struct counters *counters,
               struct budget *budget)
{
    *c = (struct core){.config = *config,
                       .owner = *owner,
                       .counters = counters,
                       .budget = budget};
    block_pool_init(&c->pool, budget);
    map_init(&c->channels, budget);
    list_init(&c->touched);
    list_init(&c->dirty);
    list_init(&c->busy);
    list_init(&c->doomed);
    list_init(&c->heavy);
    list_init(&c->light);
    list_init(&c->open_gates);
    list_init(&c->resumed);
    list_init(&c->taps);
}

/* A channel stays touched until it is put away: its open block may take more,
 * and consumers whose outbox goes out make room. */
static void core_settle(struct core *c)
{
    LIST_EACH (link, &c->touched) {
        struct channel *ch = LIST_OF(link, struct channel, touched);
        channel_commit(ch);
        if (ch->kind->settle)
            ch->kind->settle(ch);
    }
}

static void core_flush(struct core *c)
{
    struct list *link;
    while ((link = list_pop(&c->dirty)) != NULL)
        c->owner.flush(c->owner.arg, LIST_OF(link, struct subscriber, dirty));
    while ((link = list_pop(&c->doomed)) != NULL)
        c->owner.close(c->owner.arg, LIST_OF(link, struct subscriber, dirty));
}

static bool core_has_output(const struct core *c)
{
    return !list_is_empty(&c->dirty) || !list_is_empty(&c->doomed);
}

static void core_exchange(struct core *c)
{
    core_settle(c);
    for (int i = 0; i < CORE_ROUNDS_MAX && core_has_output(c); i++) {
        core_flush(c);
        core_settle(c);
    }
}

/* As many as there is room for, each bringing what one read can bring; at
 * least one, or all would wait forever. */
static void core_let_through_gate(struct core *c, struct channel *ch)
{
    uint64_t n = ch->kind->room(ch) / c->config.turn_bytes + 1;
    while (n-- > 0 && publisher_let_through(c, &ch->gate))
        continue;
}

static void core_let_through(struct core *c)
{
    /* Of a gate that is still open the next one becomes first, at the end of
     * the list: so many as there are now, and no more. */
    size_t gates = 0;
    LIST_EACH (link, &c->open_gates) {
        gates++;
    }
    while (gates-- > 0 && !list_is_empty(&c->open_gates)) {
        struct place *p = LIST_OF(c->open_gates.next, struct place, opened);
        core_let_through_gate(c, LIST_OF(p->gate, struct channel, gate));
    }
}

static void core_free(struct core *c, struct channel *ch)
{
    pressure_forget(ch);
    map_remove(&c->channels, &ch->node);
    c->epoch++;
    counter_sub(c->counters, COUNT_channels, 1);
    channel_free(ch);
}

/* The only place where channels are freed: whatever else takes away what a
 * channel exists for touches it. It stays touched until it has been weighed,
 * for it may have to give back what it holds. */
static void core_put_away(struct core *c)
{
    while (!list_is_empty(&c->touched)) {
        struct channel *ch = LIST_OF(c->touched.next, struct channel, touched);
        channel_rest(ch);
        pressure_weigh(ch);
        list_remove(&ch->touched);
        if (channel_is_unused(ch))
            core_free(c, ch);
    }
    c->open_blocks = 0;
    pressure_update(c);
}

static void core_resume(struct core *c)
{
    struct publisher *p;
    while ((p = publisher_next_resumed(c)) != NULL)
        c->owner.resume(c->owner.arg, p);
}

void core_deliver(struct core *c)
{
    assert(!c->is_in_turn);
    c->is_in_turn = true;
    core_exchange(c);
    core_put_away(c);
    c->is_in_turn = false;
}

/* Publishers are admitted here and not in each delivery, so that those that
 * were admitted are read before others are. */
void core_end_turn(struct core *c)
{
    assert(!c->is_in_turn);
    c->is_in_turn = true;
    core_exchange(c);
    core_let_through(c);
    core_put_away(c);
    core_resume(c);
    c->is_in_turn = false;
}

static void core_purge_channel(struct map_node *node, void *arg)
{
    struct channel *ch = LIST_OF(node, struct channel, node);
    struct core *c = arg;
    counter_add(c->counters, COUNT_dropped_stopping, ch->kind->purge(ch));
    tap_forget(ch);
    channel_touch(ch);
}

void core_purge(struct core *c)
{
    core_settle(c);
    map_each(&c->channels, core_purge_channel, c);
    core_put_away(c);
}

void core_fini(struct core *c)
{
    core_purge(c);
    map_fini(&c->channels);
    block_pool_fini(&c->pool);
}

static struct channel *core_find(const struct core *c, const uint8_t *name,
                                 uint32_t length)
{
    struct map_node *node = map_find(&c->channels, name, length);
    return node ? LIST_OF(node, struct channel, node) : NULL;
}

const struct rule *core_find_rule(const struct core *c, const uint8_t *name,
                                  size_t length)
{
    const struct rule *rule = c->config.rules;
    while (!pattern_matches(&rule->pattern, name, length))
        rule++;
    assert(rule < c->config.rules + c->config.rule_count);
    return rule;
}

/* Bounds are judged when a channel settles. */
static void core_apply_rule(struct map_node *node, void *arg)
{
    struct core *c = arg;
    struct channel *ch = LIST_OF(node, struct channel, node);
    ch->rule = core_find_rule(c, channel_name(ch), channel_name_length(ch));
    if (ch->kind == &topic_kind && ch->rule->hold_messages == 0)
        counter_add(c->counters, COUNT_dropped_no_subscriber,
                    ch->kind->purge(ch));
    channel_touch(ch);
}

void core_configure(struct core *c, const struct core_config *config)
{
    c->config = *config;
    map_each(&c->channels, core_apply_rule, c);
}

/* Whether messages to a name without a channel are kept. */
static bool core_keeps(const struct core *c, enum route route,
                       const uint8_t *name, uint32_t length)
{
    return route == ROUTE_QUEUE ||
           core_find_rule(c, name, length)->hold_messages > 0;
}

static const struct channel_kind *core_kind_of(enum route route)
{
    return route == ROUTE_QUEUE ? &queue_kind : &topic_kind;
}

struct channel *core_route(struct core *c, const uint8_t *name, uint32_t length,
                           enum counter_id *why)
{
    static const enum counter_id nowhere[] = {
        [ROUTE_TOPIC] = COUNT_dropped_no_subscriber,
        [ROUTE_QUEUE] = COUNT_dropped_no_memory,
        [ROUTE_NULL] = COUNT_discarded_null,
        [ROUTE_SYS] = COUNT_discarded_sys,
    };
    enum route route = route_of(name, length);
    *why = nowhere[route];
    if (route == ROUTE_NULL || route == ROUTE_SYS)
        return NULL;
    struct channel *ch = core_find(c, name, length);
    if (ch || !core_keeps(c, route, name, length))
        return ch;
    *why = COUNT_dropped_no_memory;
    ch = channel_new(c, core_kind_of(route), name, length);
    /* The message may never come: then it goes when the turn ends. */
    if (ch)
        channel_touch(ch);
    return ch;
}

struct channel *core_obtain(struct core *c, const uint8_t *name,
                            uint32_t length)
{
    struct channel *ch = core_find(c, name, length);
    if (ch)
        return ch;
    return channel_new(c, core_kind_of(route_of(name, length)), name, length);
}

bool core_subscribe(struct core *c, struct subscriber *s, const uint8_t *name,
                    uint32_t length)
{
    assert(s->state == SUBSCRIBER_NONE);
    struct channel *ch = core_obtain(c, name, length);
    if (!ch)
        return false;
    channel_commit(ch); /* what came before is not for it */
    s->channel = ch;
    s->state = SUBSCRIBER_OK;
    s->order = ++c->joined;
    list_insert(&ch->members, &s->member);
    ch->member_count++;
    counter_add(c->counters, COUNT_subscribers, 1);
    if (ch->kind->joined)
        ch->kind->joined(ch, s);
    return true;
}

bool core_has_work(const struct core *c)
{
    return core_has_output(c) || !list_is_empty(&c->touched) ||
           !list_is_empty(&c->open_gates) || pressure_has_work(c);
}

static void core_touch_deliverable(struct map_node *node, void *arg)
{
    struct channel *ch = LIST_OF(node, struct channel, node);
    (void)arg;
    if (ch->kind == &queue_kind && queue_is_deliverable(ch))
        channel_touch(ch);
}

void core_tick(struct core *c)
{
    LIST_EACH_SAFE (link, &c->busy)
        topic_tick(LIST_OF(link, struct subscriber, turn));
    if (c->is_unfinished)
        map_each(&c->channels, core_touch_deliverable, NULL);
    c->is_unfinished = false;
}

static void core_check_deliverable(struct map_node *node, void *arg)
{
    struct channel *ch = LIST_OF(node, struct channel, node);
    if (ch->kind == &queue_kind && queue_is_deliverable(ch))
        *(bool *)arg = true;
}

bool core_is_deliverable(const struct core *c)
{
    bool found = false;
    map_each(&c->channels, core_check_deliverable, &found);
    return found;
}
