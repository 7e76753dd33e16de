/* SPDX-License-Identifier: MIT */
#include "broker/core/core.h"

#include <assert.h>

#include "broker/core/keep.h"
#include "broker/core/patience.h"
#include "broker/core/queue_kept.h"
#include "broker/core/queue_work.h"
#include "broker/core/rule.h"
#include "broker/core/tap.h"
#include "broker/core/topic.h"
#include "broker/core/trail.h"

enum {
    /* Consumers that took all they were given may be given more at once; how
     * often in one turn is bounded, so that one cannot delay all others. */
    CORE_ROUNDS_MAX = 16,
};

void core_init(struct core *c, const struct core_config *config,
               const struct core_owner *owner, struct counters *counters,
               struct budget *budget)
{
    turn_init(&c->turn, config, owner, counters, budget);
    keeper_init(&c->keeper, &c->turn);
    directory_init(&c->directory, &c->turn);
    pressure_init(&c->pressure, &c->directory, budget);
}

static bool core_recover_channel(void *arg, const struct store_channel *found)
{
    struct core *c = arg;
    const struct core_config *config = &c->turn.config;
    if (name_class_of(found->name, found->name_length) != NAME_QUEUE)
        return false;
    c->keeper.found = found;
    struct channel *ch =
        directory_add(&c->directory, NAME_QUEUE,
                      rule_find(config->rules, config->rule_count, found->name,
                                found->name_length),
                      found->name, found->name_length);
    c->keeper.found = NULL;
    if (ch)
        channel_touch(ch); /* it may be empty */
    return ch != NULL;
}

bool core_open_store(struct core *c, const struct store_ops *ops, void *store)
{
    c->keeper.ops = ops;
    c->keeper.store = store;
    c->keeper.calls = &keep_calls;
    c->keeper.room = ops->room(store);
    c->turn.keeper = &c->keeper;
    return ops->visit_channels(store, core_recover_channel, c);
}

/* Names. */

struct channel *core_route(struct core *c, const uint8_t *name, uint32_t length,
                           enum counter_id *why)
{
    static const enum counter_id nowhere[] = {
        [NAME_TOPIC] = COUNT_dropped_no_subscriber,
        [NAME_QUEUE] = COUNT_dropped_no_memory,
        [NAME_NULL] = COUNT_discarded_null,
        [NAME_SYS] = COUNT_discarded_sys,
    };
    const struct core_config *config = &c->turn.config;
    enum name_class name_class = name_class_of(name, length);
    *why = nowhere[name_class];
    if (name_class == NAME_NULL || name_class == NAME_SYS)
        return NULL;
    struct channel *ch = directory_find(&c->directory, name, length);
    if (!ch) {
        const struct rule *rule =
            rule_find(config->rules, config->rule_count, name, length);
        const struct core_owner *owner = &c->turn.owner;
        if (name_class == NAME_TOPIC && rule->hold_messages == 0 &&
            !(owner->wants && owner->wants(owner->arg, name, length)))
            return NULL;
        *why = COUNT_dropped_no_memory;
        ch = directory_add(&c->directory, name_class, rule, name, length);
        if (!ch)
            return NULL;
    }
    channel_touch(ch); /* the message may never come */
    pressure_expect(&c->pressure, ch);
    return ch;
}

bool core_subscribe(struct core *c, struct subscriber *s, const uint8_t *name,
                    uint32_t length)
{
    struct channel *ch = directory_obtain(&c->directory, name, length);
    if (ch)
        subscriber_join(s, ch);
    return ch != NULL;
}

/* Bounds are judged when a channel settles. */
static void core_apply_rule(struct channel *ch, void *arg)
{
    const struct core_config *config = arg;
    ch->rule = rule_find(config->rules, config->rule_count, channel_name(ch),
                         channel_name_length(ch));
    if (ch->kind->rule_changed)
        ch->kind->rule_changed(ch);
    channel_touch(ch);
}

void core_configure(struct core *c, const struct core_config *config)
{
    c->turn.config = *config;
    directory_each(&c->directory, core_apply_rule, &c->turn.config);
}

bool core_is_durable(const struct core *c, const uint8_t *name, uint32_t length)
{
    const struct core_config *config = &c->turn.config;
    const struct channel *ch;
    if (!keeper_is_open(&c->keeper) ||
        name_class_of(name, length) != NAME_QUEUE)
        return false;
    ch = directory_find(&c->directory, name, length);
    return ch ? queue_is_durable(ch)
              : rule_find(config->rules, config->rule_count, name, length)
                    ->is_durable;
}

/* A turn. */

/* A channel stays touched until it is put away: its open block may take more,
 * and consumers whose outbox goes out make room. */
static void core_settle_touched(struct turn *t)
{
    for (struct channel *ch = t->touched; ch; ch = channel_touched_next(ch)) {
        channel_commit(ch);
        if (ch->kind->hand_out)
            ch->kind->hand_out(ch);
    }
}

static void core_settle(struct turn *t)
{
    core_settle_touched(t);
    for (int i = 0; i < CORE_ROUNDS_MAX && queue_work_feed(t); i++)
        core_settle_touched(t);
}

static bool core_has_output(const struct turn *t)
{
    return !list_is_empty(&t->dirty) || !list_is_empty(&t->doomed);
}

static void core_flush(struct turn *t)
{
    struct list *link;
    while ((link = list_pop(&t->dirty)) != NULL)
        t->owner.flush(t->owner.arg, LIST_OF(link, struct subscriber, dirty));
    if (t->owner.flushed)
        t->owner.flushed(t->owner.arg);
    while ((link = list_pop(&t->doomed)) != NULL)
        t->owner.close(t->owner.arg, LIST_OF(link, struct subscriber, dirty));
}

static void core_exchange(struct turn *t)
{
    core_settle(t);
    for (int i = 0; i < CORE_ROUNDS_MAX && core_has_output(t); i++) {
        core_flush(t);
        core_settle(t);
    }
}

/* As many as there is room for, each bringing what one read can bring, and not
 * more than `most`; at least one, or all would wait forever. Returns how many.
 */
static uint32_t core_admit_at(struct turn *t, struct channel *ch, uint32_t most)
{
    uint64_t n = ch->kind->room(ch) / t->config.turn_bytes + 1;
    uint32_t admitted = 0;
    while (admitted < n && admitted < most && publisher_admit(ch))
        admitted++;
    return admitted;
}

/* Of a gate that is still open the next place becomes first, at the end of the
 * list: so many as there are now, and no more. The next turn goes on with the
 * others. */
static void core_admit(struct turn *t)
{
    if (list_is_empty(&t->open_gates))
        return;
    uint32_t gates = 0, left = CORE_ADMIT_MAX;
    LIST_EACH (link, &t->open_gates)
        if (++gates == CORE_ADMIT_MAX)
            break;
    while (gates-- > 0 && left > 0 && !list_is_empty(&t->open_gates)) {
        struct place *p = LIST_OF(t->open_gates.next, struct place, opened);
        left -= core_admit_at(t, LIST_OF(p->gate, struct channel, gate), left);
    }
}

static void core_resume(struct turn *t)
{
    struct publisher *p;
    while ((p = publisher_next_resumed(t)) != NULL)
        t->owner.resume(t->owner.arg, p);
}

static void core_rest(struct core *c, struct channel *ch)
{
    bool is_slack = channel_rest(ch);
    if (is_slack && !budget_is_short(c->turn.budget))
        slack_add(&c->slack, ch);
    else
        channel_shrink(ch);
}

/* The only place where channels are freed: whatever else takes away what a
 * channel exists for touches it. It stays touched until it has been weighed,
 * for it may have to give back what it holds. */
static void core_put_away(struct core *c)
{
    while (c->turn.touched) {
        struct channel *ch = c->turn.touched;
        core_rest(c, ch);
        if (ch->kind->rest)
            ch->kind->rest(ch);
        pressure_weigh(&c->pressure, ch);
        channel_untouch_first(&c->turn);
        if (channel_is_unused(ch)) {
            slack_forget(&c->slack, ch);
            pressure_forget(&c->pressure, ch);
            directory_remove(&c->directory, ch);
        }
    }
    if (slack_is_any(&c->slack) && budget_is_short(c->turn.budget))
        slack_end(&c->slack);
    c->turn.open_blocks = 0;
    pressure_update(&c->pressure);
}

void core_deliver(struct core *c)
{
    assert(!c->turn.is_running);
    c->turn.is_running = true;
    core_exchange(&c->turn);
    core_put_away(c);
    if (c->turn.keeper)
        keeper_kick(&c->keeper);
    c->turn.is_running = false;
}

/* Publishers are admitted here and not in each delivery, so that those that
 * were admitted are read before others are. */
void core_end_turn(struct core *c)
{
    assert(!c->turn.is_running);
    c->turn.is_running = true;
    core_exchange(&c->turn);
    core_admit(&c->turn);
    core_put_away(c);
    if (c->turn.keeper)
        keeper_end_turn(&c->keeper);
    core_resume(&c->turn);
    c->turn.is_running = false;
}

bool core_has_work(const struct core *c)
{
    const struct turn *t = &c->turn;
    return core_has_output(t) || t->touched || !list_is_empty(&t->fed) ||
           !list_is_empty(&t->open_gates) || pressure_has_work(&c->pressure);
}

bool core_is_drained(const struct core *c)
{
    return c->turn.deliverable == 0 && !core_has_work(c) &&
           c->turn.counters->value[COUNT_held_messages] == 0;
}

/* Time. */

static void core_touch_deliverable(struct channel *ch, void *arg)
{
    (void)arg;
    if (ch->is_deliverable || queue_is_durable(ch))
        channel_touch(ch);
}

void core_tick(struct core *c)
{
    turn_ring(&c->turn);
    trail_tick(&c->keeper);
    LIST_EACH_SAFE (link, &c->turn.busy)
        topic_tick_busy(LIST_OF(link, struct subscriber, busy));
    topic_tick_wary(&c->turn);
    slack_tick(&c->slack);
    if (c->turn.is_starved)
        directory_each(&c->directory, core_touch_deliverable, NULL);
    c->turn.is_starved = false;
}

/* The end. */

void core_stop(struct core *c)
{
    c->turn.is_stopping = true;
    if (c->turn.keeper)
        directory_each(&c->directory, core_touch_deliverable, NULL);
}

static void core_purge_channel(struct channel *ch, void *arg)
{
    struct turn *t = arg;
    counter_add(t->counters, COUNT_dropped_stopping,
                ch->kind->purge(ch, UINT32_MAX));
    if (ch->tap)
        tap_close(ch->tap);
    channel_touch(ch);
}

void core_purge(struct core *c)
{
    core_settle(&c->turn);
    while (!list_is_empty(&c->turn.wary))
        patience_free(LIST_OF(c->turn.wary.next, struct patience, wary));
    directory_each(&c->directory, core_purge_channel, &c->turn);
    core_put_away(c);
}

void core_fini(struct core *c)
{
    core_purge(c);
    directory_fini(&c->directory);
    keeper_fini(&c->keeper);
    turn_fini(&c->turn);
}
