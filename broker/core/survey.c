/* SPDX-License-Identifier: MIT */
#include "broker/core/survey.h"

#include "broker/core/core.h"
#include "broker/core/pressure.h"
#include "broker/core/queue.h"

struct survey {
    clock_ms now;
    view_fn *visit;
    void *arg;
};

static void survey_backlog(struct view *v, const struct backlog *b,
                           clock_ms now)
{
    uint32_t age_ms = backlog_age_ms(b, now);
    v->number[VIEW_DEPTH] += b->messages;
    v->number[VIEW_BYTES] += b->bytes;
    if (age_ms > v->number[VIEW_AGE_MS])
        v->number[VIEW_AGE_MS] = age_ms;
}

/* The places are a ring. */
static uint64_t survey_waiters(const struct gate *g)
{
    uint64_t n = 1;
    if (!g->first)
        return 0;
    LIST_EACH (link, &g->first->link)
        n++;
    return n;
}

static void survey_limits(struct view *v, uint64_t bytes, uint64_t messages)
{
    v->number[VIEW_LIMIT_BYTES] = bytes;
    v->number[VIEW_LIMIT_MESSAGES] = messages == UINT64_MAX ? 0 : messages;
}

/* A queue is bounded as a whole, a topic for each of its subscribers. */
static void survey_limits_of_channel(struct view *v, const struct channel *ch)
{
    const struct rule *rule = ch->rule;
    bool is_queue = ch->kind == &queue_kind;
    survey_limits(v, is_queue ? rule->limit_bytes : rule->client_limit_bytes,
                  rule->limit_messages);
}

void survey_limits_of_subscriber(struct view *v, const struct subscriber *s)
{
    const struct channel *ch = s->channel;
    if (ch && ch->kind == &queue_kind)
        survey_limits(v, ch->core->config.prefetch_bytes, UINT64_MAX);
    else if (ch)
        survey_limits_of_channel(v, ch);
}

static void survey_channel(struct map_node *node, void *arg)
{
    const struct survey *survey = arg;
    struct channel *ch = LIST_OF(node, struct channel, node);
    struct view v = {
        .name = channel_name(ch),
        .name_length = channel_name_length(ch),
        .kind = ch->kind->name,
        .number = {[VIEW_SUBSCRIBERS] = ch->member_count,
                   [VIEW_IN] = ch->messages_in,
                   [VIEW_OUT] = ch->messages_out,
                   [VIEW_DROPPED] = ch->dropped,
                   [VIEW_HELD_BYTES] = ch->account.bytes,
                   [VIEW_PAUSED] = survey_waiters(&ch->gate),
                   [VIEW_PRESSED] = pressure_is_on(ch)},
    };
    survey_limits_of_channel(&v, ch);
    survey_backlog(&v, ch->kind->held(ch), survey->now);
    LIST_EACH (link, &ch->members) {
        const struct subscriber *s = LIST_OF(link, struct subscriber, member);
        survey_backlog(&v, s->outbox, survey->now);
    }
    survey->visit(survey->arg, &v);
}

void survey_channels(const struct core *c, clock_ms now, view_fn *visit,
                     void *arg)
{
    struct survey survey = {now, visit, arg};
    map_each(&c->channels, survey_channel, &survey);
}
