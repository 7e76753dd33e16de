/* SPDX-License-Identifier: MIT */
#include "broker/session/holdings.h"

#include "broker/base/budget.h"
#include "broker/core/block.h"
#include "broker/session/clients.h"
#include "broker/session/notice.h"
#include "broker/session/partial.h"
#include "broker/session/state.h"
#include "users/users.h"

/* A user whose connections hold something. */
struct holder {
    struct list link;     /* in the list of all, */
    struct list over;     /* and in that of those beyond their limit */
    struct list holdings; /* struct holding, all that are not empty */
    const struct user *user;
    uint64_t bytes, count; /* of these */
    uint64_t turn;         /* the session that may go on beyond it; 0: none */
    bool is_noted;         /* it was beyond its limit, and since then not below
                              half of that */
};

struct holding {
    struct list link; /* of the holder's */
    struct session *session;
    struct holder *holder;
    uint64_t bytes;
};

void holdings_init(struct holdings *h, struct clients *all)
{
    *h = (struct holdings){.all = all};
    idmap_init(&h->by_session, all->budget);
    idmap_init(&h->by_user, all->budget);
    list_init(&h->holders);
    list_init(&h->over);
}

/* --- rows ---------------------------------------------------------------- */

static uint64_t id_of(const struct user *user)
{
    return (uint64_t)(uintptr_t)user;
}

static struct holder *holder_find(const struct holdings *h,
                                  const struct user *user)
{
    const uint64_t *row = idmap_find(&h->by_user, id_of(user));
    return row ? (struct holder *)(uintptr_t)*row : NULL;
}

static struct holding *holding_find(const struct holdings *h,
                                    const struct session *s)
{
    const uint64_t *row = idmap_find(&h->by_session, s->id);
    return row ? (struct holding *)(uintptr_t)*row : NULL;
}

static struct holder *holder_obtain(struct holdings *h, const struct user *user)
{
    struct budget *budget = h->all->budget;
    struct holder *one = holder_find(h, user);
    if (one)
        return one;
    one = budget_zalloc(budget, sizeof *one);
    if (!one)
        return NULL;
    one->user = user;
    list_init(&one->over);
    list_init(&one->holdings);
    if (!idmap_put(&h->by_user, id_of(user), (uint64_t)(uintptr_t)one)) {
        budget_free(budget, one, sizeof *one);
        return NULL;
    }
    list_insert(&h->holders, &one->link);
    return one;
}

static void holder_tidy(struct holdings *h, struct holder *one)
{
    if (one->count > 0)
        return;
    list_remove(&one->link);
    list_remove(&one->over);
    idmap_remove(&h->by_user, id_of(one->user));
    budget_free(h->all->budget, one, sizeof *one);
}

static struct holding *holding_new(struct holdings *h, struct session *s,
                                   const struct user *user)
{
    struct budget *budget = h->all->budget;
    struct holding *one = budget_zalloc(budget, sizeof *one);
    struct holder *holder = one ? holder_obtain(h, user) : NULL;
    if (!holder ||
        !idmap_put(&h->by_session, s->id, (uint64_t)(uintptr_t)one)) {
        if (holder)
            holder_tidy(h, holder);
        budget_free(budget, one, sizeof *one);
        return NULL;
    }
    one->session = s;
    one->holder = holder;
    list_insert(&holder->holdings, &one->link);
    holder->count++;
    return one;
}

/* --- weighing ------------------------------------------------------------ */

static bool holder_is_over(const struct holder *one)
{
    return one->bytes > one->user->limits.memory_bytes;
}

static void holder_note(struct holdings *h, struct holder *one)
{
    if (one->is_noted)
        return;
    one->is_noted = true;
    counter_add(h->all->counters, COUNT_user_memory_excesses, 1);
    notice_user_memory(h->all, one->user, one->bytes);
}

static void holder_review(struct holdings *h, struct holder *one,
                          bool has_grown)
{
    if (holder_is_over(one)) {
        h->has_grown |= has_grown;
        if (list_is_empty(&one->over))
            list_insert(&h->over, &one->over);
        holder_note(h, one);
        return;
    }
    list_remove(&one->over);
    if (one->bytes <= one->user->limits.memory_bytes / 2)
        one->is_noted = false;
}

static void holding_free(struct holdings *h, struct holding *one)
{
    struct holder *holder = one->holder;
    holder->bytes -= one->bytes;
    holder->count--;
    if (holder->turn == one->session->id)
        holder->turn = 0;
    list_remove(&one->link);
    idmap_remove(&h->by_session, one->session->id);
    budget_free(h->all->budget, one, sizeof *one);
    holder_review(h, holder, false);
    holder_tidy(h, holder);
}

static uint64_t session_holds(const struct session *s)
{
    const struct partial *p = s->partial;
    uint64_t bytes = session_kind(s)->owed_bytes(s);
    if (session_kind(s)->kept_bytes)
        bytes += session_kind(s)->kept_bytes(s);
    if (p)
        bytes += p->head_bytes + (p->body ? p->body->capacity : 0);
    return bytes;
}

void holdings_weigh(struct holdings *h, struct session *s,
                    const struct user *user)
{
    struct holding *one = holding_find(h, s);
    uint64_t bytes = s->state == SESSION_CLOSED ? 0 : session_holds(s);
    if (bytes == 0) {
        holdings_forget(h, s);
        return;
    }
    one = one ? one : holding_new(h, s, user);
    if (!one)
        return;
    struct holder *holder = one->holder;
    bool has_grown = bytes > one->bytes;
    holder->bytes += bytes - one->bytes;
    one->bytes = bytes;
    if (holder->turn == s->id && !partial_is_large(s->partial))
        holder->turn = 0;
    holder_review(h, holder, has_grown);
}

void holdings_forget(struct holdings *h, const struct session *s)
{
    struct holding *one = holding_find(h, s);
    if (one)
        holding_free(h, one);
}

/* The holder goes with the last of them. */
static void holder_clear(struct holdings *h, struct holder *one)
{
    for (uint64_t left = one->count; left > 0; left--)
        holding_free(h, LIST_OF(one->holdings.next, struct holding, link));
}

void holdings_clear(struct holdings *h)
{
    while (!list_is_empty(&h->holders))
        holder_clear(h, LIST_OF(h->holders.next, struct holder, link));
}

/* --- limits -------------------------------------------------------------- */

uint64_t holdings_of(const struct holdings *h, const struct user *user)
{
    const struct holder *one = holder_find(h, user);
    return one ? one->bytes : 0;
}

bool holdings_are_over(const struct holdings *h, const struct user *user)
{
    const struct holder *one = holder_find(h, user);
    return one && holder_is_over(one);
}

bool holdings_must_wait(struct holdings *h, const struct session *s,
                        const struct user *user)
{
    struct holder *one = holder_find(h, user);
    if (!one || !holder_is_over(one) || !partial_is_large(s->partial))
        return false;
    if (one->turn == 0)
        one->turn = s->id;
    return one->turn != s->id;
}

/* Those that hold less than the average are left alone. */
static void holder_press(const struct holder *one)
{
    uint64_t least = one->bytes / one->count;
    LIST_EACH (link, &one->holdings) {
        const struct holding *holding = LIST_OF(link, struct holding, link);
        struct session *s = holding->session;
        if (holding->bytes >= least)
            session_kind(s)->press(s);
    }
}

void holdings_press(struct holdings *h)
{
    h->has_grown = false;
    LIST_EACH (link, &h->over)
        holder_press(LIST_OF(link, struct holder, over));
}
