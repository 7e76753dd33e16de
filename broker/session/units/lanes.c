/* SPDX-License-Identifier: MIT */
#include "broker/session/units/lanes.h"

#include "broker/core/core.h"
#include "broker/core/worker.h"
#include "broker/net/stream.h"
#include "broker/session/units/pledges.h"
#include "broker/session/units/unit_rest.h"
#include "broker/session/units/units.h"
#include "broker/session/units/wildcards.h"

/* From here on lanes are found by a table. */
enum { LISTED_MAX = 16 };

static bool is_lively(const struct subscriber *sub)
{
    return sub->state != SUBSCRIBER_NONE && sub->state != SUBSCRIBER_RETIRED;
}

/* Finding them. */

static uint64_t id_of(const struct channel *ch)
{
    return (uint64_t)(uintptr_t)ch;
}

static bool lanes_index(struct units *u, const struct lane *lane)
{
    return lane->wildcard || !is_lively(&lane->sub) ||
           idmap_put(&u->index, id_of(lane->sub.channel),
                     (uint64_t)(uintptr_t)lane);
}

/* One was added. False without memory. */
static bool lanes_index_more(struct units *u, const struct lane *added)
{
    if (u->index.count > 0)
        return lanes_index(u, added);
    if (u->lane_count <= LISTED_MAX)
        return true;
    bool is_ok = true;
    LIST_EACH (link, &u->lanes)
        is_ok = is_ok && lanes_index(u, LIST_OF(link, struct lane, link));
    if (!is_ok)
        idmap_clear(&u->index);
    return is_ok;
}

static void lanes_forget(struct session *s, const struct subscriber *sub)
{
    if (sub->kind == SUBSCRIBER_LANE_MORE && is_lively(sub) &&
        !LIST_OF(sub, struct lane, sub)->wildcard)
        idmap_remove(&s->units->index, id_of(sub->channel));
}

static struct subscriber *lanes_search(struct units *u,
                                       const struct channel *ch)
{
    if (u->index.count > 0) {
        const uint64_t *found = idmap_find(&u->index, id_of(ch));
        return found ? &((struct lane *)(uintptr_t)*found)->sub : NULL;
    }
    LIST_EACH (link, &u->lanes) {
        struct lane *lane = LIST_OF(link, struct lane, link);
        if (lane->sub.channel == ch && !lane->wildcard && is_lively(&lane->sub))
            return &lane->sub;
    }
    return NULL;
}

struct subscriber *lanes_in(struct session *s, const struct channel *ch)
{
    if (s->sub.channel == ch && is_lively(&s->sub))
        return &s->sub;
    return s->units ? lanes_search(s->units, ch) : NULL;
}

struct subscriber *lanes_find(struct session *s, const uint8_t *name,
                              uint32_t length)
{
    const struct channel *ch =
        directory_find(&s->all->core->directory, name, length);
    return ch ? lanes_in(s, ch) : NULL;
}

void lanes_set_exact(struct session *s, struct subscriber *lane, bool is_exact)
{
    if (lane->kind == SUBSCRIBER_LANE_MORE)
        s->units->exact_count += (uint32_t)is_exact - (uint32_t)lane->is_exact;
    lane->is_exact = is_exact;
}

uint32_t lanes_exact(const struct session *s)
{
    return (is_lively(&s->sub) && s->sub.is_exact) +
           (s->units ? s->units->exact_count : 0);
}

/* Coming and going. */

/* What it was sent stays part of the client's sum. */
static void lanes_free(struct session *s, struct subscriber *sub)
{
    if (sub->kind != SUBSCRIBER_LANE_MORE)
        return;
    struct lane *lane = LIST_OF(sub, struct lane, sub);
    struct units *u = s->units;
    s->sub.messages_out += sub->messages_out;
    if (u->walk == &lane->link)
        u->walk = lane->link.next;
    list_remove(&lane->link);
    if (--u->lane_count == 0)
        idmap_clear(&u->index);
    budget_free(s->all->budget, lane, sizeof *lane);
}

bool lanes_are_over(const struct session *s)
{
    return s->sub.state != SUBSCRIBER_NONE && s->units &&
           s->units->lane_count >= LANES_MAX - 1;
}

/* In front of the others, so that a walk does not come to it. */
static struct subscriber *lanes_add_more(struct session *s, struct channel *ch,
                                         struct worker *w,
                                         const struct wildcard *wildcard)
{
    struct units *u = units_obtain(s);
    struct lane *lane = u && !lanes_are_over(s)
                            ? budget_zalloc(s->all->budget, sizeof *lane)
                            : NULL;
    if (!lane)
        return NULL;
    subscriber_init(&lane->sub);
    lane->sub.kind = SUBSCRIBER_LANE_MORE;
    lane->sub.worker = w;
    lane->session = s;
    lane->wildcard = wildcard;
    list_insert(u->lanes.next, &lane->link);
    u->lane_count++;
    subscriber_join(&lane->sub, ch);
    if (lanes_index_more(u, lane))
        return &lane->sub;
    lanes_forget(s, &lane->sub);
    subscriber_leave(&lane->sub);
    lanes_free(s, &lane->sub);
    return NULL;
}

struct subscriber *lanes_join(struct session *s, struct channel *ch,
                              struct worker *w)
{
    struct subscriber *lane = &s->sub;
    bool is_first = lane->state == SUBSCRIBER_NONE;
    if (is_first) {
        uint64_t before = lane->messages_out;
        subscriber_init(lane);
        lane->kind = SUBSCRIBER_LANE;
        lane->messages_out = before;
        lane->worker = w;
    }
    if (is_first)
        subscriber_join(lane, ch);
    else
        lane = lanes_add_more(s, ch, w, NULL);
    if (lane && w)
        worker_ref(w);
    return lane;
}

struct subscriber *lanes_join_apart(struct session *s, struct channel *ch,
                                    struct wildcard *wildcard)
{
    struct worker *w = wildcard->worker;
    struct subscriber *lane = lanes_add_more(s, ch, w, wildcard);
    if (lane && w)
        worker_ref(w);
    return lane;
}

bool lanes_are_of(const struct subscriber *lane, const struct wildcard *w)
{
    if (!channel_is_queue(lane->channel))
        return true;
    return lane->kind == SUBSCRIBER_LANE_MORE &&
           LIST_OF(lane, struct lane, sub)->wildcard == w;
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

void lanes_walk_begin(struct session *s)
{
    s->units->walk = s->units->lanes.next;
    s->units->walks_own = true;
}

/* The session's own subscriber comes first. */
struct subscriber *lanes_walk(struct session *s)
{
    struct units *u = s->units;
    bool is_own = u->walks_own && is_lively(&s->sub);
    u->walks_own = false;
    if (is_own)
        return &s->sub;
    while (u->walk != &u->lanes) {
        struct lane *lane = LIST_OF(u->walk, struct lane, link);
        u->walk = u->walk->next;
        if (is_lively(&lane->sub))
            return &lane->sub;
    }
    return NULL;
}

void lanes_drop_worker(struct session *s, struct worker *w)
{
    if (w)
        worker_unref(w, s->all->budget);
}

uint64_t lanes_number(const struct session *s, const struct subscriber *lane)
{
    const struct started *started = s->units ? &s->units->started : NULL;
    return started && started->sub == lane ? started->number
                                           : subscriber_number(lane);
}

static void lanes_unmark(struct session *s, struct subscriber *lane)
{
    if (lane->outbox->mark > 0)
        s->units->barrier.lanes--;
    if (s->units && s->units->barrier.sub == lane) {
        s->units->barrier.sub = NULL;
        s->units->barrier.number = lanes_number(s, lane);
    }
}

static void lanes_end(struct session *s, struct subscriber *lane)
{
    bool is_queue = lane->channel && channel_is_queue(lane->channel);
    struct worker *w = is_queue ? lane->worker : NULL;
    pledges_leave(s, lane);
    lanes_set_exact(s, lane, false);
    lanes_forget(s, lane);
    lanes_unmark(s, lane);
    subscriber_leave(lane);
    if (is_queue)
        lane->worker = NULL;
    lanes_drop_worker(s, w);
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
    if (is_topic) {
        lanes_set_exact(s, lane, false);
        lanes_forget(s, lane);
        subscriber_retire(lane);
    }
    if (!is_topic || lane->outbox == BACKLOG_NONE)
        return lanes_close(s, lane);
    *waits = true;
    return true;
}

bool lanes_mark(struct subscriber *lane)
{
    channel_flush(lane->channel);
    struct backlog *outbox = lane->outbox;
    if (outbox->offered == 0)
        return false;
    outbox->mark = outbox->offered;
    return true;
}

struct all {
    struct session *session;
    bool is_ok;
};

static void finish_one(struct subscriber *lane, void *arg)
{
    struct all *all = arg;
    struct session *s = all->session;
    bool waits;
    all->is_ok &= lanes_finish(s, lane, &waits);
    /* An answer that waits for lanes is told of each that ends. */
    if (waits && s->units->barrier.is_set)
        s->units->barrier.lanes++;
    /* What it was given in this turn is not offered yet: BYE follows it. */
    if (waits && !lane->is_kept)
        subscriber_keep(lane, stream_wants_write(s->stream) ? &s->units->output
                                                            : &s->units->fresh);
}

bool lanes_retire(struct session *s)
{
    struct all all = {s, true};
    lanes_each(s, finish_one, &all);
    return all.is_ok;
}

/* Those that have retired as well: the one that was doomed may be among them,
 * and is in no list any more. Nothing is left that an answer has to follow. */
bool lanes_leave(struct session *s)
{
    bool is_ok = lanes_close(s, &s->sub);
    if (!s->units)
        return is_ok;
    LIST_EACH_SAFE (link, &s->units->lanes)
        is_ok &= lanes_close(s, &LIST_OF(link, struct lane, link)->sub);
    s->units->barrier.lanes = 0;
    return is_ok;
}

void lanes_abandon(struct session *s)
{
    lanes_end(s, &s->sub);
    if (!s->units)
        return;
    LIST_EACH_SAFE (link, &s->units->lanes)
        lanes_end(s, &LIST_OF(link, struct lane, link)->sub);
}

static struct worker *worker_of(const struct subscriber *sub)
{
    return sub->channel && channel_is_queue(sub->channel) ? sub->worker : NULL;
}

/* Any that the session has; NULL when there is none. */
static const struct worker *lanes_worker(const struct session *s)
{
    const struct worker *found = worker_of(&s->sub);
    if (found || !s->units)
        return found;
    LIST_EACH (link, &s->units->wildcards)
        if (LIST_OF(link, struct wildcard, link)->worker)
            return LIST_OF(link, struct wildcard, link)->worker;
    LIST_EACH (link, &s->units->lanes) {
        found = worker_of(&LIST_OF(link, struct lane, link)->sub);
        if (found)
            return found;
    }
    return NULL;
}

struct worker *lanes_new_worker(struct session *s, uint32_t credit,
                                uint32_t wait_ms)
{
    return worker_new(s->all->budget, s, lanes_worker(s), credit, wait_ms);
}
