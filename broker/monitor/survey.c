/* SPDX-License-Identifier: MIT */
#include "broker/monitor/survey.h"

#include <stdlib.h>

#include "broker/base/clock.h"
#include "broker/core/channel_views.h"
#include "broker/monitor/broker_view.h"
#include "broker/monitor/growth.h"
#include "broker/net/reactor.h"

enum {
    SLOTS = 32, /* of the directory, and clients, between looks at the clock */
    REST = 9,   /* after a piece: times what it took */
};

enum stage { IDLE, CHANNELS, CLIENTS };

struct survey {
    struct broker_view *broker;
    survey_fn *done;
    void *arg;
    struct reactor_timer *timer;
    enum stage stage;
    uint64_t rest_until_us; /* since the last piece */
    bool is_periodic;
    bool is_periodic_next; /* another is to begin when this one has ended */
    struct map_walk walk;  /* over the channels */
    struct growth channel_growth, client_growth; /* since the last periodic */
    struct survey_result result;
    struct ranking channels, clients, steady;
};

/* A view with its recent messages. */
static struct view with_recent(const struct survey *s, struct growth *growth,
                               const struct view *v)
{
    uint64_t messages = v->number[VIEW_IN] + v->number[VIEW_OUT];
    struct view seen = *v;
    seen.number[VIEW_RECENT] =
        s->is_periodic ? growth_note(growth, ranking_key(v), messages)
                       : growth_since(growth, ranking_key(v), messages);
    return seen;
}

static void survey_see_channel(void *arg, const struct view *v)
{
    struct survey *s = arg;
    struct view seen = with_recent(s, &s->channel_growth, v);
    ranking_add(&s->channels, &seen);
    ranking_add(&s->steady, &seen);
}

static void survey_see_client(void *arg, const struct view *v)
{
    struct survey *s = arg;
    struct view seen = with_recent(s, &s->client_growth, v);
    ranking_add(&s->clients, &seen);
}

/* Looks at a few. False when the survey is over. */
static bool survey_step(struct survey *s)
{
    const struct broker_view *b = s->broker;
    if (s->stage == CLIENTS)
        return b->show_clients(b->arg, SLOTS, survey_see_client, s);
    if (!channel_views_show(b->core, reactor_now_ms(b->reactor), &s->walk,
                            SLOTS, survey_see_channel, s)) {
        b->begin_clients(b->arg);
        s->stage = CLIENTS;
    }
    return true;
}

static void survey_begin(struct survey *s)
{
    s->stage = CHANNELS;
    s->is_periodic = s->is_periodic_next;
    s->is_periodic_next = false;
    s->walk = (struct map_walk){0};
    s->result.seq = s->broker->seq;
    ranking_init(&s->channels, VIEW_RECENT);
    ranking_init(&s->clients, VIEW_RECENT);
    ranking_init(&s->steady, VIEW_IN);
    if (s->is_periodic) {
        growth_begin(&s->channel_growth);
        growth_begin(&s->client_growth);
    }
}

static void survey_end(struct survey *s)
{
    struct survey_result *r = &s->result;
    s->stage = IDLE;
    ranking_finish(&s->channels, &r->channels);
    ranking_finish(&s->clients, &r->clients);
    ranking_finish(&s->steady, &r->steady);
    r->channel_count = s->channels.total;
    r->client_count = s->clients.total;
    s->done(s->arg, r, s->is_periodic);
}

/* Looks until a piece is done. False when the survey is over. */
static bool survey_do_piece(struct survey *s)
{
    uint64_t begun = clock_now_us(), spent;
    bool has_more;
    do {
        has_more = survey_step(s);
        spent = clock_now_us() - begun;
    } while (has_more && spent < SURVEY_PIECE_US);
    s->rest_until_us = begun + spent + spent * REST;
    return has_more;
}

/* Rests if the last piece was not long ago. False when there is no need to, or
 * no memory for the timer. */
static bool survey_rest(struct survey *s)
{
    uint64_t now = clock_now_us(), until = s->rest_until_us;
    uint64_t ms = until > now ? (until - now) / 1000 : 0;
    return ms > 0 && reactor_timer_start(s->timer, (uint32_t)ms);
}

static void survey_go_on(void *arg)
{
    struct survey *s = arg;
    while (s->stage != IDLE) {
        if (!survey_do_piece(s))
            survey_end(s);
        if (s->stage == IDLE && s->is_periodic_next)
            survey_begin(s);
        if (s->stage != IDLE && survey_rest(s))
            return;
    }
}

struct survey *survey_new(struct broker_view *broker, survey_fn *done,
                          void *arg)
{
    struct survey *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->broker = broker;
    s->done = done;
    s->arg = arg;
    s->timer = reactor_timer_new(broker->reactor, survey_go_on, s);
    if (s->timer)
        return s;
    survey_free(s);
    return NULL;
}

void survey_free(struct survey *s)
{
    if (!s)
        return;
    reactor_timer_free(s->timer);
    growth_fini(&s->channel_growth);
    growth_fini(&s->client_growth);
    free(s);
}

void survey_start(struct survey *s, bool is_periodic)
{
    if (is_periodic && (s->stage == IDLE || !s->is_periodic))
        s->is_periodic_next = true;
    if (s->stage != IDLE)
        return;
    survey_begin(s);
    if (!survey_rest(s))
        survey_go_on(s);
}
