/* SPDX-License-Identifier: MIT */
#include "broker/session/units/lanes.h"

#include <string.h>

#include "broker/core/channel.h"
#include "broker/core/held.h"
#include "broker/session/units/unit_rest.h"
#include "broker/session/units/units.h"

struct subscriber *lanes_add(struct session *s)
{
    if (s->sub.state == SUBSCRIBER_NONE) {
        subscriber_init(&s->sub);
        s->sub.kind = SUBSCRIBER_LANE;
        return &s->sub;
    }
    struct units *u = units_obtain(s);
    bool is_over = !u || u->lane_count == LANES_MAX;
    struct lane *lane =
        !is_over ? budget_zalloc(s->all->budget, sizeof *lane) : NULL;
    if (!lane)
        return NULL;
    subscriber_init(&lane->sub);
    lane->sub.kind = SUBSCRIBER_LANE_MORE;
    lane->session = s;
    list_insert(&u->lanes, &lane->link);
    u->lane_count++;
    return &lane->sub;
}

static void lanes_free(struct session *s, struct subscriber *sub)
{
    if (sub->kind != SUBSCRIBER_LANE_MORE)
        return;
    struct lane *lane = LIST_OF(sub, struct lane, sub);
    list_remove(&lane->link);
    s->units->lane_count--;
    budget_free(s->all->budget, lane, sizeof *lane);
}

static bool is_lively(const struct subscriber *sub)
{
    return sub->state != SUBSCRIBER_NONE && sub->state != SUBSCRIBER_RETIRED;
}

static bool is_in(const struct subscriber *sub, const uint8_t *name,
                  uint32_t length)
{
    return is_lively(sub) && channel_name_length(sub->channel) == length &&
           memcmp(channel_name(sub->channel), name, length) == 0;
}

struct subscriber *lanes_find(struct session *s, const uint8_t *name,
                              uint32_t length)
{
    if (is_in(&s->sub, name, length))
        return &s->sub;
    if (!s->units)
        return NULL;
    LIST_EACH (link, &s->units->lanes) {
        struct lane *lane = LIST_OF(link, struct lane, link);
        if (is_in(&lane->sub, name, length))
            return &lane->sub;
    }
    return NULL;
}

struct subscriber *lanes_in(struct session *s, const struct channel *ch)
{
    return lanes_find(s, channel_name(ch), channel_name_length(ch));
}

void lanes_each(struct session *s,
                void (*visit)(struct subscriber *lane, void *arg), void *arg)
{
    if (is_lively(&s->sub))
        visit(&s->sub, arg);
    if (!s->units)
        return;
    LIST_EACH_SAFE (link, &s->units->lanes) {
        struct lane *lane = LIST_OF(link, struct lane, link);
        if (is_lively(&lane->sub))
            visit(&lane->sub, arg);
    }
}

static void lanes_end(struct session *s, struct subscriber *lane)
{
    bool is_queue = lane->channel && channel_is_queue(lane->channel);
    struct worker *w = is_queue ? lane->worker : NULL;
    subscriber_leave(lane);
    if (is_queue)
        lane->worker = NULL;
    if (w && --w->lanes == 0)
        budget_free(s->all->budget, w, sizeof *w);
    lanes_free(s, lane);
}

bool lanes_close(struct session *s, struct subscriber *lane)
{
    bool is_whole = unit_rest_keep(s, lane);
    if (is_whole)
        lanes_end(s, lane);
    return is_whole;
}

bool lanes_finish(struct session *s, struct subscriber *lane, bool *waits)
{
    bool is_topic = !channel_is_queue(lane->channel);
    *waits = false;
    if (is_topic)
        subscriber_retire(lane);
    if (!is_topic || lane->outbox == BACKLOG_NONE)
        return lanes_close(s, lane);
    *waits = true;
    return true;
}

struct all {
    struct session *session;
    bool is_ok;
};

static void finish_one(struct subscriber *lane, void *arg)
{
    struct all *all = arg;
    bool waits;
    all->is_ok &= lanes_finish(all->session, lane, &waits);
}

static void leave_one(struct subscriber *lane, void *arg)
{
    struct all *all = arg;
    all->is_ok &= lanes_close(all->session, lane);
}

bool lanes_retire(struct session *s)
{
    struct all all = {s, true};
    lanes_each(s, finish_one, &all);
    return all.is_ok;
}

bool lanes_leave(struct session *s)
{
    struct all all = {s, true};
    lanes_each(s, leave_one, &all);
    return all.is_ok;
}

void lanes_abandon(struct session *s)
{
    lanes_end(s, &s->sub);
    if (!s->units)
        return;
    LIST_EACH_SAFE (link, &s->units->lanes)
        lanes_end(s, &LIST_OF(link, struct lane, link)->sub);
}

struct worker *lanes_new_worker(struct session *s, uint32_t credit,
                                uint32_t wait_ms)
{
    struct worker *w = budget_zalloc(s->all->budget, sizeof *w);
    if (!w)
        return NULL;
    worker_init(w, s, credit, wait_ms);
    w->lanes = 1;
    return w;
}

bool lanes_work(struct session *s, struct subscriber *lane, uint32_t credit,
                uint32_t wait_ms)
{
    lane->worker = lanes_new_worker(s, credit, wait_ms);
    return lane->worker != NULL;
}
