/* SPDX-License-Identifier: MIT */
#include "broker/core/policy.h"

#include <string.h>

#include "broker/core/core.h"
#include "broker/core/topic.h"

typedef uint32_t drop_fn(struct backlog *b, struct budget *budget,
                         message_size_fn *size, uint64_t bytes,
                         uint64_t messages);

static void policy_drop(struct subscriber *s, drop_fn *drop, uint64_t bytes,
                        uint64_t messages, enum counter_id why)
{
    struct core *c = s->channel->core;
    uint32_t dropped =
        drop(s->outbox, c->budget, c->config.message_size, bytes, messages);
    topic_count_dropped(s, dropped, why);
}

static void policy_drop_excess(struct subscriber *s, drop_fn *drop)
{
    const struct rule *rule = s->channel->rule;
    topic_set_state(s, SUBSCRIBER_SLOW);
    policy_drop(s, drop, rule->client_limit_bytes, rule->limit_messages,
                rule->policy->counter);
}

/* Is the oldest unsent message young, then the subscriber is only busy: the
 * publishers wait, and it loses nothing. What they had sent already stays. */
static void wait_enforce(struct subscriber *s)
{
    if (topic_is_impatient(s))
        policy_drop_excess(s, backlog_drop_newest);
    else
        topic_set_state(s, SUBSCRIBER_BUSY);
}

static void drop_newest_enforce(struct subscriber *s)
{
    policy_drop_excess(s, backlog_drop_newest);
}

static void drop_oldest_enforce(struct subscriber *s)
{
    policy_drop_excess(s, backlog_drop_oldest);
}

static void disconnect_enforce(struct subscriber *s)
{
    counter_add(s->channel->core->counters, COUNT_closed_slow, 1);
    topic_set_state(s, SUBSCRIBER_SLOW);
    subscriber_doom(s);
}

/* Only what is on its way stays. */
static void drop_shed(struct subscriber *s)
{
    subscriber_settle(s);
    topic_set_state(s, SUBSCRIBER_SLOW);
    policy_drop(s, backlog_drop_newest, 0, 0, COUNT_dropped_memory);
    /* One message must not keep the block that it came in. */
    (void)backlog_compact(s->outbox, &s->channel->core->pool,
                          &s->channel->account);
}

const struct policy policies[] = {
    {"wait", "publishers wait for a busy subscriber, not for a slow one",
     COUNT_dropped_slow, true, wait_enforce, drop_shed},
    {"drop-newest", "what does not fit is dropped", COUNT_dropped_newest, false,
     drop_newest_enforce, drop_shed},
    {"drop-oldest", "the oldest make room for the newest", COUNT_dropped_oldest,
     false, drop_oldest_enforce, drop_shed},
    {"disconnect", "the connection is closed", COUNT_closed_slow, false,
     disconnect_enforce, disconnect_enforce},
};

const size_t policy_count = sizeof policies / sizeof *policies;

const struct policy *policy_find(const char *name)
{
    for (size_t i = 0; i < policy_count; i++)
        if (strcmp(policies[i].name, name) == 0)
            return &policies[i];
    return NULL;
}
