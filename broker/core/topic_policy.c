/* SPDX-License-Identifier: MIT */
#include "broker/core/topic_policy.h"

#include <string.h>

#include "broker/core/backlog_drop.h"
#include "broker/core/channel.h"
#include "broker/core/subscriber.h"
#include "broker/core/topic.h"

static void drop_excess(struct subscriber *s, backlog_drop_fn *drop)
{
    const struct rule *rule = s->channel->rule;
    topic_set_state(s, SUBSCRIBER_SLOW);
    topic_drop(s, drop, rule->client_limit_bytes, rule->limit_messages,
               rule->policy->counter);
}

/* If the subscriber is only busy, the publishers wait, and it loses nothing.
 * What they had sent already stays. */
static void wait_enforce(struct subscriber *s)
{
    if (topic_may_wait(s))
        topic_set_state(s, SUBSCRIBER_BUSY);
    else
        drop_excess(s, backlog_drop_newest);
}

static void drop_newest_enforce(struct subscriber *s)
{
    drop_excess(s, backlog_drop_newest);
}

static void drop_oldest_enforce(struct subscriber *s)
{
    drop_excess(s, backlog_drop_oldest);
}

static void disconnect_enforce(struct subscriber *s)
{
    counter_add(s->channel->turn->counters, COUNT_closed_slow, 1);
    topic_set_state(s, SUBSCRIBER_SLOW);
    subscriber_doom(s);
}

/* Only a message that has been sent in part stays. */
static void drop_shed(struct subscriber *s)
{
    topic_set_state(s, SUBSCRIBER_SLOW);
    topic_drop(s, backlog_drop_newest, 0, 0, COUNT_dropped_memory);
    /* One message must not keep the block that it came in. */
    (void)backlog_compact(s->outbox, &s->channel->turn->pool,
                          &s->channel->account);
}

const struct topic_policy topic_policies[] = {
    {"wait", "publishers wait for a busy subscriber, not for a slow one",
     COUNT_dropped_slow, true, wait_enforce, drop_shed},
    {"drop-newest", "what does not fit is dropped", COUNT_dropped_newest, false,
     drop_newest_enforce, drop_shed},
    {"drop-oldest", "the oldest make room for the newest", COUNT_dropped_oldest,
     false, drop_oldest_enforce, drop_shed},
    {"disconnect", "the connection is closed", COUNT_closed_slow, false,
     disconnect_enforce, disconnect_enforce},
};

const size_t topic_policy_count =
    sizeof topic_policies / sizeof *topic_policies;

const struct topic_policy *topic_policy_find(const char *name)
{
    for (size_t i = 0; i < topic_policy_count; i++)
        if (strcmp(topic_policies[i].name, name) == 0)
            return &topic_policies[i];
    return NULL;
}
