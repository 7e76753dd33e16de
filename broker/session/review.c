/* SPDX-License-Identifier: MIT */
#include "broker/session/review.h"

#include "broker/base/clock.h"
#include "broker/session/clients.h"
#include "broker/session/identity.h"
#include "broker/session/session.h"
#include "broker/session/state.h"

enum { STEP_US = 1000 };

static void review_start(struct clients *all, struct users *users)
{
    struct review *r = &all->review;
    r->result = (struct review_result){
        .users = users_count(users),
        .change = users_compare(identities_old(all), users),
    };
    r->last = all->accepted;
    r->next = all->list.next;
}

static void review_end(struct clients *all)
{
    struct review *r = &all->review;
    struct users *waiting = r->waiting;
    r->next = NULL;
    r->waiting = NULL;
    identities_forget_old(all);
    if (r->on_done)
        r->on_done(r->arg, &r->result);
    if (waiting)
        (void)review_begin(all, waiting); /* needs no memory again */
}

static void review_one(struct clients *all, struct session *s)
{
    enum identity_change change = identity_move(s);
    if (change == IDENTITY_SAME)
        return;
    struct verdict v = session_kind(s)->judge(s, change == IDENTITY_CHANGED);
    all->review.result.closed += v.what != VERDICT_GO_ON;
    session_act(s, v);
}

/* Sessions are in the order in which they came. To judge one may end others. */
static void review_go_on(struct clients *all, uint64_t until_us)
{
    struct review *r = &all->review;
    while (r->next != &all->list) {
        struct session *s = LIST_OF(r->next, struct session, link);
        if (s->id > r->last)
            break;
        r->next = s->link.next;
        review_one(all, s);
        if (clock_now_us() >= until_us)
            return;
    }
    review_end(all);
}

bool review_begin(struct clients *all, struct users *users)
{
    struct review *r = &all->review;
    if (r->next) {
        users_unref(r->waiting);
        r->waiting = users;
        return true;
    }
    if (!identities_set(all, users)) {
        users_unref(users);
        return false;
    }
    review_start(all, users);
    if (list_is_empty(&all->list))
        review_end(all);
    return true;
}

bool review_step(struct clients *all)
{
    if (all->review.next)
        review_go_on(all, clock_now_us() + STEP_US);
    return all->review.next != NULL;
}

void review_finish(struct clients *all)
{
    while (all->review.next)
        review_go_on(all, UINT64_MAX);
}

void review_fini(struct clients *all)
{
    users_unref(all->review.waiting);
    all->review.waiting = NULL;
}
