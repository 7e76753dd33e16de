/* SPDX-License-Identifier: MIT */
#include "broker/session/identity.h"

#include <assert.h>
#include <stdlib.h>

#include "broker/auth/denials.h"
#include "broker/auth/identify.h"
#include "broker/auth/rates.h"
#include "broker/base/clock.h"
#include "broker/base/idmap.h"
#include "broker/base/sampler.h"
#include "broker/base/siphash.h"
#include "broker/net/peer.h"
#include "broker/net/reactor.h"
#include "broker/net/tls.h"
#include "broker/session/holdings.h"
#include "broker/session/notice.h"
#include "broker/session/presence.h"
#include "users/users.h"

enum { DENIED_LINES = 10 }; /* in a second, of one user */

/* Neighbours differ in high bits as well: the golden ratio's. */
static const uint64_t SCATTER = 0x9e3779b97f4a7c15;

/* By the numbers of sessions. */
struct identities {
    struct users *users; /* owned */
    struct users *old; /* owned: of sessions that were not moved yet; NULL when
                          there are none */
    uint64_t generation; /* of these */
    struct rates rates;  /* what they have sent */
    struct denials denials;
    /* What was logged of what was denied, by session and channel; and by user.
     */
    struct sampler denied, denied_users;
    struct siphash_key key; /* for the first of these */
    struct idmap uids;      /* of those on unix sockets */
    struct idmap shown; /* struct credential *, of those that were admitted */
    struct presence present;  /* users of these */
    struct holdings holdings; /* of those whose user has a limit of memory */
};

/* --- one session --------------------------------------------------------- */

/* The name of a certificate is written to `name`, which the peer points to. */
static struct identify_peer identity_peer(const struct session *s,
                                          char name[TLS_NAME_MAX + 1])
{
    struct identify_peer peer = {.certificate = NULL};
    if (tls_client_name(s->stream, name))
        peer.certificate = name;
    const uint64_t *uid = idmap_find(&s->all->identities->uids, s->id);
    if (uid) {
        peer.has_uid = true;
        peer.uid = (uint32_t)*uid;
    }
    peer.has_address = identity_source(s, &peer.address);
    return peer;
}

const struct credential *identity_shown(const struct session *s)
{
    const struct identities *i = s->all->identities;
    const uint64_t *row = i ? idmap_find(&i->shown, s->id) : NULL;
    return row ? (const void *)(uintptr_t)*row : NULL;
}

static const struct user *identity_user(const struct session *s)
{
    return credential_user(identity_shown(s));
}

bool identity_begin(struct session *s, int fd)
{
    uint32_t uid;
    return !s->all->identities || s->peer.family != AF_UNIX ||
           !peer_user(fd, &uid) ||
           idmap_put(&s->all->identities->uids, s->id, uid);
}

/* With those that were not moved yet. */
static bool identities_are_full(const struct identities *i,
                                const struct user *user)
{
    const struct user *old = i->old ? users_find(i->old, user->name) : NULL;
    return user->limits.connections > 0 &&
           presence_of(&i->present, user) + presence_of(&i->present, old) >=
               user->limits.connections;
}

static void identity_drop(struct session *s)
{
    struct identities *i = s->all->identities;
    const struct user *user = identity_user(s);
    if (!user)
        return;
    presence_remove(&i->present, user);
    idmap_remove(&i->shown, s->id);
    holdings_forget(&i->holdings, s);
}

void identity_end(struct session *s)
{
    struct identities *i = s->all->identities;
    if (!i)
        return;
    idmap_remove(&i->uids, s->id);
    identity_drop(s);
}

/* In the place of what it was before, if it was admitted. Nobody is admitted
 * without memory, either. */
static bool identity_keep(struct session *s, const struct credential *shown)
{
    struct identities *i = s->all->identities;
    identity_drop(s);
    if (!shown || !presence_add(&i->present, credential_user(shown)))
        return false;
    if (idmap_put(&i->shown, s->id, (uint64_t)(uintptr_t)shown))
        return true;
    presence_remove(&i->present, credential_user(shown));
    return false;
}

/* As one more connection of its user. */
static enum identity_answer identity_enter(struct session *s,
                                           const struct credential *shown)
{
    if (shown &&
        identities_are_full(s->all->identities, credential_user(shown)))
        return IDENTITY_CROWDED;
    return identity_keep(s, shown) ? IDENTITY_ADMITTED : IDENTITY_UNKNOWN;
}

const struct credential *identity_connection(const struct session *s)
{
    char name[TLS_NAME_MAX + 1];
    struct identify_peer peer = identity_peer(s, name);
    return identify_connection(s->all->identities->users, &peer);
}

enum identity_answer identity_admit(struct session *s)
{
    return !s->all->identities || s->is_exempt
               ? IDENTITY_ADMITTED
               : identity_enter(s, identity_connection(s));
}

struct users *identity_users(const struct session *s)
{
    return s->all->identities->users;
}

uint64_t identity_generation(const struct session *s)
{
    return s->all->identities->generation;
}

bool identity_source(const struct session *s, struct network *source)
{
    bool is_v4 = s->peer.family == AF_INET;
    if (!is_v4 && s->peer.family != AF_INET6)
        return false;
    *source = network_of_ip(s->peer.ip, is_v4);
    return true;
}

enum identity_answer identity_admit_as(struct session *s,
                                       const struct credential *c)
{
    char name[TLS_NAME_MAX + 1];
    struct identify_peer peer = identity_peer(s, name);
    return identify_may_be(s->all->identities->users, &peer, c)
               ? identity_enter(s, c)
               : IDENTITY_UNKNOWN;
}

/* Whether what the user sends is counted: not before its session was moved. */
static bool has_rate(const struct identities *i, const struct user *user)
{
    if (!user || !rates_are_limited(user))
        return false;
    size_t place = users_place(i->users, user);
    return place < users_count(i->users) && users_get(i->users, place) == user;
}

void identity_charge(const struct session *s, uint64_t messages, uint64_t bytes)
{
    struct identities *i = s->all->identities;
    const struct user *user = identity_user(s);
    if (has_rate(i, user))
        rates_charge(&i->rates, users_place(i->users, user), user, messages,
                     bytes, clock_now_us());
}

static bool has_memory_limit(const struct user *user)
{
    return user && user->limits.memory_bytes > 0;
}

bool identity_judge_excess(const struct session *s)
{
    struct identities *i = s->all->identities;
    const struct user *user = identity_user(s);
    if (has_rate(i, user) &&
        rates_are_over(&i->rates, users_place(i->users, user), clock_now_us()))
        return true;
    return has_memory_limit(user) && holdings_must_wait(&i->holdings, s, user);
}

bool identity_has_room(const struct session *s)
{
    const struct identities *i = s->all->identities;
    const struct user *user = identity_user(s);
    return !has_rate(i, user) ||
           rates_have_room(&i->rates, users_place(i->users, user),
                           clock_now_us());
}

void identity_judge_weight(struct session *s)
{
    const struct user *user = identity_user(s);
    if (has_memory_limit(user))
        holdings_weigh(&s->all->identities->holdings, s, user);
}

bool identity_judge_fullness(const struct session *s)
{
    const struct user *user = identity_user(s);
    return has_memory_limit(user) &&
           holdings_are_over(&s->all->identities->holdings, user);
}

bool identity_judge_publish(const struct session *s, const uint8_t *name,
                            size_t length)
{
    const struct user *user = identity_user(s);
    return user ? rights_may_publish(&user->rights, name, length, NULL)
                : s->is_exempt;
}

bool identity_judge_read(const struct session *s, const uint8_t *name,
                         size_t length)
{
    const struct user *user = identity_user(s);
    return user ? rights_may_read(&user->rights, name, length, NULL)
                : s->is_exempt;
}

bool identity_judge_pattern(const struct session *s, const struct pattern *p)
{
    const struct user *user = identity_user(s);
    return user ? rights_may_subscribe(&user->rights, p, NULL) : s->is_exempt;
}

/* One of each session and channel, so that each of them is named; and of those
 * a few of each user, which may connect again and again. */
static bool denied_is_logged(const struct session *s, const struct user *user,
                             const void *name, size_t length, uint64_t *missed)
{
    struct identities *i = s->all->identities;
    clock_ms now = reactor_now_ms(s->all->reactor);
    uint64_t key = SCATTER * s->id ^ siphash(&i->key, name, length);
    return sampler_pass(&i->denied, key | 1, 1, now, missed) &&
           sampler_pass(&i->denied_users, (uint64_t)(uintptr_t)user,
                        DENIED_LINES, now, missed);
}

/* What belongs to the broker is denied also when nobody is asked. */
void identity_note_denied(struct session *s, const char *what, const void *name,
                          size_t length)
{
    struct identities *i = s->all->identities;
    const struct user *user = identity_user(s);
    uint64_t missed = 0;
    if (!user)
        return;
    counter_add(s->all->counters, COUNT_denied, 1);
    denials_add(&i->denials, i->users, user);
    if (denied_is_logged(s, user, name, length, &missed))
        notice_denied(s, user->name, what, name, length, missed);
}

/* --- all of them --------------------------------------------------------- */

enum identity_change identity_move(struct session *s)
{
    const struct identities *i = s->all->identities;
    const struct credential *shown = identity_shown(s);
    if (!shown) /* its first frame has not come, or it is not asked */
        return s->state == SESSION_HELLO || s->is_exempt ? IDENTITY_SAME
                                                         : IDENTITY_NOBODY;
    char name[TLS_NAME_MAX + 1];
    struct identify_peer peer = identity_peer(s, name);
    const struct credential *again = identify_again(i->users, &peer, shown);
    if (!identity_keep(s, again))
        return IDENTITY_NOBODY;
    identity_weigh(s);
    return rights_are_equal(&credential_user(shown)->rights,
                            &credential_user(again)->rights)
               ? IDENTITY_SAME
               : IDENTITY_CHANGED;
}

void identities_judge_weights(struct clients *all)
{
    holdings_press(&all->identities->holdings);
}

static bool users_have_memory_limits(const struct users *users)
{
    for (size_t i = 0; i < users_count(users); i++)
        if (has_memory_limit(users_get(users, i)))
            return true;
    return false;
}

bool identities_set(struct clients *all, struct users *users)
{
    struct identities *i = all->identities;
    if (!i) {
        i = calloc(1, sizeof *i);
        if (!i)
            return false;
        i->key = siphash_key_random();
        idmap_init(&i->uids, all->budget);
        idmap_init(&i->shown, all->budget);
        presence_init(&i->present, all->budget);
        holdings_init(&i->holdings, all);
        all->identities = i;
    }
    assert(!i->old);
    i->old = i->users;
    rates_reset(&i->rates, users_count(users));
    denials_follow(&i->denials, i->users, users);
    i->users = users;
    i->generation++;
    all->weighs_users = users_have_memory_limits(users);
    return true;
}

/* --- for watchers --------------------------------------------------------- */

struct show {
    const struct identities *of;
    identity_view_fn *visit;
    void *arg;
    size_t shown;
    struct identity_view rest;
};

static void show_user(struct show *show, const struct user *user,
                      uint64_t connections)
{
    const struct identities *i = show->of;
    size_t place = users_place(i->users, user);
    bool is_known = place < users_count(i->users);
    struct identity_view v = {
        .user = user->name,
        .users = 1,
        .connections = connections,
        .memory_bytes =
            has_memory_limit(user) ? holdings_of(&i->holdings, user) : 0,
        .denied = is_known ? denials_of(&i->denials, place) : 0,
        .limits = &user->limits};
    if (show->shown++ < IDENTITIES_SHOWN) {
        show->visit(show->arg, &v);
        return;
    }
    show->rest.users++;
    show->rest.connections += v.connections;
    show->rest.memory_bytes += v.memory_bytes;
    show->rest.denied += v.denied;
}

/* A client that was denied something may have been closed for it. */
static void show_absent(struct show *show)
{
    const struct identities *i = show->of;
    for (size_t place = 0; place < users_count(i->users); place++) {
        const struct user *user = users_get(i->users, place);
        if (denials_of(&i->denials, place) > 0 &&
            presence_of(&i->present, user) == 0)
            show_user(show, user, 0);
    }
}

void identities_show(const struct clients *all, identity_view_fn *visit,
                     void *arg)
{
    struct show show = {.of = all->identities, .visit = visit, .arg = arg};
    if (!show.of)
        return;
    LIST_EACH (link, &show.of->present.all) {
        const struct present *one = LIST_OF(link, struct present, link);
        show_user(&show, one->user, one->connections);
    }
    if (show.of->denials.counts)
        show_absent(&show);
    if (show.rest.users > 0)
        visit(arg, &show.rest);
}

const struct users *identities_old(const struct clients *all)
{
    return all->identities->old;
}

void identities_forget_old(struct clients *all)
{
    struct identities *i = all->identities;
    users_unref(i->old);
    i->old = NULL;
}

void identities_fini(struct clients *all)
{
    struct identities *i = all->identities;
    if (!i)
        return;
    holdings_clear(&i->holdings);
    idmap_clear(&i->uids);
    idmap_clear(&i->shown);
    presence_clear(&i->present);
    rates_reset(&i->rates, 0);
    denials_clear(&i->denials);
    users_unref(i->old);
    users_unref(i->users);
    free(i);
    all->identities = NULL;
}
