/* SPDX-License-Identifier: MIT */
#include "broker/session/units/wildcards.h"

#include <string.h>

#include "broker/core/core.h"
#include "broker/core/held.h"
#include "broker/session/clients.h"
#include "broker/session/units/lanes.h"
#include "broker/session/units/units.h"

static bool is_equal(const struct pattern *a, const struct pattern *b)
{
    return a->world == b->world && a->length == b->length &&
           memcmp(a->octets, b->octets, a->length) == 0;
}

struct wildcard *wildcards_find(const struct session *s,
                                const struct pattern *p)
{
    if (!s->units)
        return NULL;
    LIST_EACH (link, &s->units->wildcards) {
        struct wildcard *w = LIST_OF(link, struct wildcard, link);
        if (is_equal(interest_pattern(&w->interest), p))
            return w;
    }
    return NULL;
}

/* One more pattern leads to the channel. */
static void join(struct wildcard *w, struct channel *ch)
{
    struct session *s = w->session;
    struct subscriber *lane = lanes_in(s, ch);
    bool is_new = !lane;
    if (is_new)
        lane = lanes_add(s);
    if (!lane) {
        s->units->is_overrun = true; /* it could not be told what it misses */
        units_write_later(s->units);
        return;
    }
    lane->matches++;
    if (!is_new)
        return;
    if (w->worker) {
        lane->worker = w->worker;
        w->worker->lanes++;
    }
    subscriber_join(lane, ch);
}

static void join_if_it_matches(struct channel *ch, void *arg)
{
    struct wildcard *w = arg;
    if (pattern_matches(interest_pattern(&w->interest), channel_name(ch),
                        channel_name_length(ch)))
        join(w, ch);
}

bool wildcards_add(struct session *s, const struct pattern *p,
                   struct worker *worker)
{
    struct units *u = units_obtain(s);
    struct wildcard *w = u ? budget_zalloc(s->all->budget, sizeof *w) : NULL;
    if (!w)
        return false;
    w->session = s;
    w->worker = worker;
    if (!interests_add(&units_hub(s)->interests, &w->interest, p)) {
        budget_free(s->all->budget, w, sizeof *w);
        return false;
    }
    list_insert(&u->wildcards, &w->link);
    u->wildcard_count++;
    directory_each(&s->all->core->directory, join_if_it_matches, w);
    return true;
}

static void wildcards_free(struct wildcard *w)
{
    struct session *s = w->session;
    interests_remove(&units_hub(s)->interests, &w->interest);
    list_remove(&w->link);
    s->units->wildcard_count--;
    if (w->worker && --w->worker->lanes == 0)
        budget_free(s->all->budget, w->worker, sizeof *w->worker);
    budget_free(s->all->budget, w, sizeof *w);
}

struct parting {
    struct wildcard *wildcard;
    uint32_t waits;
    bool is_ok;
};

static void part(struct subscriber *lane, void *arg)
{
    struct parting *p = arg;
    bool waits;
    if (lane->matches == 0 ||
        !pattern_matches(interest_pattern(&p->wildcard->interest),
                         channel_name(lane->channel),
                         channel_name_length(lane->channel)) ||
        --lane->matches > 0 || lane->is_exact)
        return;
    p->is_ok &= lanes_finish(p->wildcard->session, lane, &waits);
    p->waits += waits;
}

bool wildcards_remove(struct wildcard *w, uint32_t *waits)
{
    struct parting p = {.wildcard = w, .is_ok = true};
    lanes_each(w->session, part, &p);
    *waits = p.waits;
    wildcards_free(w);
    return p.is_ok;
}

void wildcards_end(struct session *s)
{
    while (s->units && !list_is_empty(&s->units->wildcards))
        wildcards_free(
            LIST_OF(s->units->wildcards.next, struct wildcard, link));
}

static void note(struct interest *i, void *arg)
{
    (void)i;
    *(bool *)arg = true;
}

bool wildcards_want(struct clients *all, const uint8_t *name, uint32_t length)
{
    bool is_wanted = false;
    if (all->hub->interests.group_count > 0)
        interests_match(&all->hub->interests, name, length, note, &is_wanted);
    return is_wanted;
}

static void join_one(struct interest *i, void *arg)
{
    join(LIST_OF(i, struct wildcard, interest), arg);
}

void wildcards_appear(struct clients *all, struct channel *ch)
{
    if (all->hub && all->hub->interests.group_count > 0)
        interests_match(&all->hub->interests, channel_name(ch),
                        channel_name_length(ch), join_one, ch);
}
