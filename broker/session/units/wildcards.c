/* SPDX-License-Identifier: MIT */
#include "broker/session/units/wildcards.h"

#include "broker/base/budget.h"
#include "broker/core/core.h"
#include "broker/net/stream.h"
#include "broker/session/clients.h"
#include "broker/session/state.h"
#include "broker/session/units/lanes.h"
#include "broker/session/units/units.h"

/* See errands.h. */
enum {
    WORK_SLOT = 1, /* of the directory */
    WORK_LANE = 2,
    WORK_MATCH = 1,
    WORK_JOIN = 6,
    OCTETS_PER_WORK = 24, /* of a name, to compare with a pattern */
    SLOTS_AT_ONCE = 32,   /* while there is that much work to do: */
    WORK_PLENTY = 2 * SLOTS_AT_ONCE * (WORK_SLOT + WORK_MATCH + WORK_JOIN),
};

/* A quarter of a megabyte, without the channels. */
enum { LANES_SCARCE = 1024 };

/* From here on subscriptions are found by a table. */
enum { LISTED_MAX = 16 };

static uint64_t id_of(const struct interest_group *group)
{
    return (uint64_t)(uintptr_t)group;
}

static bool wildcards_index(struct units *u, const struct wildcard *w)
{
    return idmap_put(&u->patterns, id_of(w->interest.group),
                     (uint64_t)(uintptr_t)w);
}

/* One was added. False without memory. */
static bool wildcards_index_more(struct units *u, const struct wildcard *added)
{
    if (u->patterns.count > 0)
        return wildcards_index(u, added);
    bool is_ok = true;
    if (u->wildcard_count > LISTED_MAX)
        LIST_EACH (link, &u->wildcards)
            is_ok = is_ok &&
                    wildcards_index(u, LIST_OF(link, struct wildcard, link));
    if (!is_ok)
        idmap_clear(&u->patterns);
    return is_ok;
}

struct wildcard *wildcards_find(const struct session *s,
                                const struct pattern *p)
{
    const struct units *u = s->units;
    const struct interest_group *group =
        u && u->wildcard_count > 0 ? interests_with(&units_hub(s)->interests, p)
                                   : NULL;
    if (!group)
        return NULL;
    if (u->patterns.count > 0) {
        const uint64_t *found = idmap_find(&u->patterns, id_of(group));
        return found ? (struct wildcard *)(uintptr_t)*found : NULL;
    }
    LIST_EACH (link, &u->wildcards) {
        struct wildcard *w = LIST_OF(link, struct wildcard, link);
        if (w->interest.group == group)
            return w;
    }
    return NULL;
}

static struct units *units_of(const struct errand *c)
{
    return LIST_OF(c, struct units, errand);
}

/* When memory is exhausted, a client that does not take what it has gets no
 * further lanes beyond these: they and their channels take memory that dropping
 * its messages would not give back. */
static bool may_have_more(const struct session *s)
{
    return s->units->lane_count < LANES_SCARCE ||
           budget_has_room(s->all->budget, 0) || !stream_wants_write(s->stream);
}

void wildcards_join(struct wildcard *w, struct channel *ch, int32_t *work)
{
    struct session *s = w->session;
    bool is_queue = channel_is_queue(ch);
    struct subscriber *lane = is_queue ? NULL : lanes_in(s, ch);
    *work -= WORK_JOIN;
    if (!lane) {
        if (may_have_more(s))
            lane =
                is_queue ? lanes_join_apart(s, ch, w) : lanes_join(s, ch, NULL);
        if (!lane) {
            s->units->is_overrun = true; /* it could not be told what it
                                            misses */
            units_write_later(s->units);
            return;
        }
        lane->is_early = w->is_pending;
    }
    lane->matches++;
}

static bool matches(const struct wildcard *w, const struct channel *ch,
                    int32_t *work)
{
    uint32_t length = channel_name_length(ch);
    *work -= WORK_MATCH + (int32_t)length / OCTETS_PER_WORK;
    return pattern_matches(interest_pattern(&w->interest), channel_name(ch),
                           length);
}

/* The errand of the units has been done, or need not be. */
static void wildcards_finish(struct units *u)
{
    list_remove(&u->errand.link);
    u->changing = NULL;
    if (!u->barrier.is_working)
        return;
    u->barrier.is_working = false;
    list_splice(&u->output, &u->early);
    units_write_later(u);
}

/* A subscription begins: its channels are found. */

struct visit {
    struct wildcard *wildcard;
    int32_t *work;
};

/* One that still awaits subscribers will find this one. */
static void join_if_it_matches(struct channel *ch, void *arg)
{
    const struct visit *v = arg;
    struct wildcard *w = v->wildcard;
    if (!w->session->units->is_overrun && matches(w, ch, v->work) &&
        !ch->is_awaited) /* asked last: that lies elsewhere in memory */
        wildcards_join(w, ch, v->work);
}

static bool run_add(struct errand *c, int32_t *work)
{
    struct units *u = units_of(c);
    struct visit v = {u->changing, work};
    bool goes_on = true;
    while (goes_on && *work > 0) {
        size_t slots = *work > WORK_PLENTY ? SLOTS_AT_ONCE : 1;
        *work -= (int32_t)slots * WORK_SLOT;
        goes_on = directory_walk(&u->session->all->core->directory,
                                 &u->channels, slots, join_if_it_matches, &v) &&
                  !u->is_overrun;
    }
    if (goes_on)
        return false;
    u->changing->is_pending = false;
    wildcards_finish(u);
    return true;
}

static void wildcards_free(struct wildcard *w)
{
    struct session *s = w->session;
    idmap_remove(&s->units->patterns, id_of(w->interest.group));
    interests_remove(&units_hub(s)->interests, &w->interest);
    list_remove(&w->link);
    s->units->wildcard_count--;
    lanes_drop_worker(s, w->worker);
    budget_free(s->all->budget, w, sizeof *w);
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
    w->is_pending = true;
    if (!interests_add(&units_hub(s)->interests, &w->interest, p)) {
        budget_free(s->all->budget, w, sizeof *w);
        return false;
    }
    list_insert(&u->wildcards, &w->link);
    u->wildcard_count++;
    if (!wildcards_index_more(u, w)) {
        w->worker = NULL;
        wildcards_free(w);
        return false;
    }
    u->changing = w;
    u->channels = (struct map_walk){0};
    u->errand.run = run_add;
    errands_add(&units_hub(s)->errands, &u->errand);
    return true;
}

/* A subscription ends: its lanes do, or go on for others. */

static void part(struct wildcard *w, struct subscriber *lane, int32_t *work)
{
    struct units *u = w->session->units;
    bool waits = false;
    if (lane->matches == 0 || !lanes_are_of(lane, w) ||
        !matches(w, lane->channel, work))
        return;
    *work -= WORK_JOIN;
    if (--lane->matches > 0 || lane->is_exact)
        waits = lanes_mark(lane);
    else if (!lanes_finish(w->session, lane, &waits))
        u->is_overrun = true;
    u->barrier.lanes += waits;
}

/* While it runs, nobody finds the subscription; until then it is as good as
 * others. */
static bool run_remove(struct errand *c, int32_t *work)
{
    struct units *u = units_of(c);
    struct subscriber *lane = &u->session->sub; /* any */
    if (!u->walk)
        lanes_walk_begin(u->session);
    while (lane && *work > 0) {
        lane = lanes_walk(u->session);
        *work -= WORK_LANE;
        if (lane)
            part(u->changing, lane, work);
    }
    if (lane)
        return false;
    u->walk = NULL;
    wildcards_free(u->changing);
    wildcards_finish(u);
    return true;
}

void wildcards_remove(struct wildcard *w)
{
    struct units *u = w->session->units;
    u->changing = w;
    u->walk = NULL;
    u->errand.run = run_remove;
    errands_add(&units_hub(w->session)->errands, &u->errand);
}

static void revoke_lane(struct subscriber *lane, void *arg)
{
    const struct wildcard *w = arg;
    int32_t work = 0;
    if (lane->matches > 0 && lanes_are_of(lane, w) &&
        matches(w, lane->channel, &work) && --lane->matches == 0 &&
        !lane->is_exact)
        (void)lanes_close(w->session, lane); /* no unit of it was begun */
}

void wildcards_revoke(struct wildcard *w)
{
    lanes_each(w->session, revoke_lane, w);
    wildcards_free(w);
}

void wildcards_end(struct session *s)
{
    struct units *u = s->units;
    if (!u)
        return;
    wildcards_finish(u);
    while (!list_is_empty(&u->wildcards))
        wildcards_free(LIST_OF(u->wildcards.next, struct wildcard, link));
}
