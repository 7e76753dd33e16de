/* SPDX-License-Identifier: MIT */
#include "broker/session/review.h"

#include "broker/base/clock.h"
#include "broker/net/tls.h"
#include "broker/session/clients.h"
#include "broker/session/identity.h"
#include "broker/session/session.h"
#include "broker/session/session_kind.h"
#include "broker/session/state.h"

enum { STEP_US = 1000 };

static bool review_must_judge_trust(const struct clients *all)
{
    return all->tls && all->review.trust != tls_trust(all->tls);
}

/* A round that is under way begins again, for those that it has judged by
 * certificates alone. */
static void review_start(struct clients *all)
{
    struct review *r = &all->review;
    if (review_must_judge_trust(all)) {
        r->trust = tls_trust(all->tls);
        r->by_trust = true;
    }
    round_begin(&r->round, all);
}

static void review_end(struct clients *all)
{
    struct review *r = &all->review;
    struct users *waiting = r->waiting;
    bool by_users = r->by_users;
    r->waiting = NULL;
    r->by_users = r->by_trust = false;
    if (by_users) {
        identities_forget_old(all);
        if (r->on_done)
            r->on_done(r->arg, &r->result);
    }
    if (waiting)
        (void)review_begin(all, waiting); /* needs no memory again */
}

/* A session that has to go is moved as well: it may take its time, and the
 * users of before are not kept for it. */
static void review_one(struct clients *all, struct session *s)
{
    struct review *r = &all->review;
    enum identity_change change =
        r->by_users ? identity_move(s) : IDENTITY_SAME;
    bool is_trusted = !r->by_trust || tls_is_trusted(all->tls, s->stream);
    if (change == IDENTITY_SAME && is_trusted)
        return;
    struct verdict v =
        session_kind(s)->judge(s, change != IDENTITY_NOBODY && is_trusted);
    if (change != IDENTITY_SAME)
        r->result.closed += v.what != VERDICT_GO_ON;
    session_act(s, v);
}

/* To judge a session may end others. */
static void review_go_on(struct clients *all, uint64_t until_us)
{
    struct session *s;
    while ((s = round_next(&all->review.round, all)) != NULL) {
        review_one(all, s);
        if (clock_now_us() >= until_us)
            return;
    }
    review_end(all);
}

bool review_begin(struct clients *all, struct users *users)
{
    struct review *r = &all->review;
    if (r->by_users) {
        users_unref(r->waiting);
        r->waiting = users;
        return true;
    }
    if (!identities_set(all, users)) {
        users_unref(users);
        return false;
    }
    r->by_users = true;
    r->result = (struct review_result){
        .users = users_count(users),
        .change = users_compare(identities_old(all), users),
    };
    review_start(all);
    if (list_is_empty(&all->list))
        review_go_on(all, 0);
    return true;
}

bool review_step(struct clients *all)
{
    struct review *r = &all->review;
    if (!round_is_under_way(&r->round) && review_must_judge_trust(all))
        review_start(all);
    if (round_is_under_way(&r->round))
        review_go_on(all, clock_now_us() + STEP_US);
    return round_is_under_way(&r->round) || review_must_judge_trust(all);
}

void review_finish(struct clients *all)
{
    while (round_is_under_way(&all->review.round))
        review_go_on(all, UINT64_MAX);
}

void review_fini(struct clients *all)
{
    users_unref(all->review.waiting);
    all->review.waiting = NULL;
}
