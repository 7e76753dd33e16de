/* SPDX-License-Identifier: MIT */
#include "broker/session/units/login.h"

#include <string.h>

#include "broker/auth/checks.h"
#include "broker/auth/identify.h"
#include "broker/auth/recalled.h"
#include "broker/auth/signature.h"
#include "broker/auth/tries.h"
#include "broker/base/budget.h"
#include "broker/base/counters.h"
#include "broker/net/peer.h"
#include "broker/net/reactor.h"
#include "broker/net/tls.h"
#include "broker/session/clients.h"
#include "broker/session/identity.h"
#include "broker/session/notice.h"
#include "broker/session/session.h"
#include "broker/session/state.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/hub.h"
#include "broker/session/units/logins.h"
#include "broker/session/units/units.h"
#include "users/users.h"

_Static_assert((int)SIGNATURE_BINDING == (int)TLS_BINDING,
               "all of it is signed");

enum { LOG_PER_SECOND = 10 };

enum login_state { LOGIN_NEW, LOGIN_QUEUED, LOGIN_COMPARED, LOGIN_ASKED };

struct login {
    struct session *session;
    struct logins *all;
    uint8_t state;          /* enum login_state */
    uint8_t result;         /* enum login_result */
    bool is_suspect;        /* QUEUED: its source has failed lately */
    bool has_alarm;         /* QUEUED until it rings, not for a check to end */
    struct network source;  /* as tries_source() makes it */
    struct hub_alarm alarm; /* its source may try again */
    struct list link;       /* QUEUED */
    uint64_t generation;    /* of the users by whom it is COMPARED */
    uint64_t hash;          /* a digest of what it is compared with */
    uint8_t digest[RECALLED_DIGEST_BYTES]; /* and what to remember then */
    uint8_t nonce[SIGNATURE_NONCE];        /* ASKED */
    uint32_t head_length, secret_length;
    uint8_t bytes[]; /* of the head, and of the secret */
};

static size_t login_size(uint32_t head_length, uint32_t secret_length)
{
    return sizeof(struct login) + head_length + secret_length;
}

static const uint8_t *login_secret(const struct login *l)
{
    return l->bytes + l->head_length;
}

static void login_count_waiting(const struct logins *all)
{
    counter_set(all->all->counters, COUNT_logins_waiting,
                all->by_session.count);
}

/* --- the result ----------------------------------------------------------- */

static struct span login_option(const struct head *head,
                                enum unit_option option)
{
    return head_has(head, option) ? head->values[option]
                                  : (struct span){NULL, 0};
}

static void login_log(struct login *l, const struct head *head, bool is_right)
{
    struct logins *all = l->all;
    struct span user = login_option(head, UNIT_OPTION_user),
                mech = login_option(head, UNIT_OPTION_mech);
    if (is_right)
        notice_login(l->session, user, mech);
    else if (throttle_pass(&all->log, reactor_now_ms(all->all->reactor),
                           THROTTLE_PER_SECOND(LOG_PER_SECOND), 1) > 0)
        notice_login_failed(l->session, user, mech,
                            throttle_take_missed(&all->log));
}

/* `c` is what the client has shown; NULL is nobody's. */
static enum login_result login_settle(struct login *l, const struct head *head,
                                      const struct credential *c)
{
    struct counters *counters = l->all->all->counters;
    enum identity_answer answer =
        c ? identity_admit_as(l->session, c) : IDENTITY_UNKNOWN;
    if (answer == IDENTITY_CROWDED)
        return LOGIN_CROWDED;
    bool is_right = answer == IDENTITY_ADMITTED;
    counter_add(counters, is_right ? COUNT_logins : COUNT_logins_failed, 1);
    if (!is_right)
        tries_fail(l->all->tries, &l->source);
    login_log(l, head, is_right);
    return is_right ? LOGIN_RIGHT : LOGIN_WRONG;
}

/* The user that it says it is; NULL when there is none. */
static const struct user *login_user(const struct login *l,
                                     const struct head *head)
{
    char name[USER_NAME_BYTES];
    struct span user = login_option(head, UNIT_OPTION_user);
    if (user.length == 0 || user.length >= sizeof name)
        return NULL;
    memcpy(name, user.text, user.length);
    name[user.length] = '\0';
    return users_find(identity_users(l->session), name);
}

/* --- waiting -------------------------------------------------------------- */

static uint32_t logins_count_source(const struct logins *all,
                                    const struct network *source)
{
    uint32_t n = 0;
    LIST_EACH (link, &all->waiting)
        n += network_compare(&LIST_OF(link, struct login, link)->source,
                             source) == 0;
    return n;
}

static void login_dequeue(struct login *l)
{
    if (l->state != LOGIN_QUEUED)
        return;
    hub_cancel_alarm(units_hub(l->session), &l->alarm);
    list_remove(&l->link);
    l->all->waiting_count--;
    l->state = LOGIN_NEW;
}

static enum login_result login_turn_away(struct login *l)
{
    struct logins *all = l->all;
    uint64_t missed = 0, key = siphash(&all->tries->failures.key, &l->source,
                                       sizeof l->source);
    counter_add(all->all->counters, COUNT_logins_busy, 1);
    if (sampler_pass(&all->busy, key | 1, 1, reactor_now_ms(all->all->reactor),
                     &missed))
        notice_login_busy(l->session, missed);
    return LOGIN_BUSY;
}

/* For `ms`, or for a check to end. */
static enum login_result login_queue(struct login *l, uint32_t ms)
{
    struct logins *all = l->all;
    l->is_suspect = tries_is_suspect(all->tries, &l->source);
    uint32_t most = l->is_suspect ? LOGINS_SUSPECTS_MAX : LOGINS_WAITING_MAX;
    if (all->waiting_count >= most ||
        logins_count_source(all, &l->source) >= LOGINS_SOURCE_MAX)
        return login_turn_away(l);
    l->state = LOGIN_QUEUED;
    l->has_alarm = ms > 0;
    list_insert(&all->waiting, &l->link);
    all->waiting_count++;
    if (ms > 0)
        hub_set_alarm(units_hub(l->session), &l->alarm, ms);
    return LOGIN_PENDING;
}

/* --- the ways ------------------------------------------------------------- */

static enum login_result login_by_token(struct login *l,
                                        const struct head *head)
{
    const struct credential *c = identify_token(
        identity_users(l->session), login_secret(l), l->secret_length);
    const struct user *user = credential_user(c);
    if (head_has(head, UNIT_OPTION_user) && user != login_user(l, head))
        c = NULL;
    return login_settle(l, head, c);
}

static enum login_result login_compare(struct login *l, const struct user *user)
{
    struct check_claim claim = {
        .hash = user ? user->password : NULL,
        .decoy = users_decoy(identity_users(l->session)),
        .secret = login_secret(l),
        .length = l->secret_length,
        .is_suspect = tries_is_suspect(l->all->tries, &l->source)};
    if (!checks_submit(l->all->tries->checks, CHECKS_SESSIONS, l->session->id,
                       &l->source, &claim))
        return login_queue(l, 0);
    counter_add(l->all->all->counters, COUNT_passwords_compared, 1);
    l->state = LOGIN_COMPARED;
    l->generation = identity_generation(l->session);
    l->hash = tries_hash(l->all->tries, user);
    return LOGIN_PENDING;
}

/* A network that could carry TLS is not shown a password. */
static bool login_is_exposed(const struct session *s)
{
    return s->demands.may_use_tls && s->all->tls && tls_current(s->all->tls) &&
           !tls_is_started(s->stream) && !peer_is_local(&s->peer);
}

static enum login_result login_by_password(struct login *l,
                                           const struct head *head)
{
    const struct user *user = login_user(l, head);
    bool is_possible = l->secret_length <= CHECKS_SECRET_MAX &&
                       (l->secret_length == 0 ||
                        !memchr(login_secret(l), '\0', l->secret_length));
    if (!is_possible || login_is_exposed(l->session))
        return login_settle(l, head, NULL);
    const struct credential *c =
        user ? users_find_password(identity_users(l->session), user) : NULL;
    if (c && tries_recall(l->all->tries, identity_users(l->session), user,
                          login_secret(l), l->secret_length, l->digest))
        return login_settle(l, head, c);
    return login_compare(l, user);
}

static enum login_result login_by_signature(struct login *l,
                                            const struct head *head)
{
    struct span nonce = {(const char *)l->nonce, sizeof l->nonce};
    if (!head_has(head, UNIT_OPTION_user))
        return login_settle(l, head, NULL);
    struct head_writer w = answer_begin(l->session, "CHAL");
    if (!signature_draw(l->nonce) || !answer_end(l->session, &w, nonce))
        return LOGIN_FAILED;
    l->state = LOGIN_ASKED;
    return LOGIN_PENDING;
}

/* It only says who it is. */
static enum login_result login_by_connection(struct login *l,
                                             const struct head *head)
{
    const struct credential *c = identity_connection(l->session);
    bool is_own =
        l->secret_length == 0 && c && credential_user(c) == login_user(l, head);
    return login_settle(l, head, is_own ? c : NULL);
}

static const struct mech_row {
    const char *name;
    enum login_result (*take)(struct login *l, const struct head *head);
} mech_rows[] = {
    {"token", login_by_token},
    {"plain", login_by_password},
    {"ed25519", login_by_signature},
};

static enum login_result login_take(struct login *l, const struct head *head)
{
    struct span mech = login_option(head, UNIT_OPTION_mech);
    if (!head_has(head, UNIT_OPTION_mech))
        return login_by_connection(l, head);
    for (size_t i = 0; i < sizeof mech_rows / sizeof *mech_rows; i++)
        if (span_is_text(mech, mech_rows[i].name))
            return mech_rows[i].take(l, head);
    return login_settle(l, head, NULL);
}

static enum login_result login_try(struct login *l)
{
    struct head head;
    uint32_t ms = tries_wait_ms(l->all->tries, &l->source);
    if (ms > 0)
        return login_queue(l, ms);
    login_head(l->session, &head);
    return login_take(l, &head);
}

/* It has waited, for whatever it was. */
static void login_finish(struct login *l, enum login_result result)
{
    l->result = (uint8_t)result;
    if (result != LOGIN_PENDING || l->state == LOGIN_ASKED)
        session_go_on(l->session);
}

static void login_on_alarm(struct hub_alarm *a)
{
    struct login *l = LIST_OF(a, struct login, alarm);
    login_dequeue(l);
    login_finish(l, login_try(l));
}

/* With what is not the user's hash any more, it is compared again. With every
 * change of the file, it might be without an end. */
static void login_on_result(struct logins *all, uint64_t session, bool is_right)
{
    const uint64_t *row = idmap_find(&all->by_session, session);
    struct head head;
    if (!row)
        return;
    struct login *l = (struct login *)(uintptr_t)*row;
    const struct session *s = l->session;
    l->state = LOGIN_NEW;
    login_head(s, &head);
    const struct user *user = login_user(l, &head);
    if (l->hash != tries_hash(all->tries, user)) {
        login_finish(l, login_try(l));
        return;
    }
    const struct credential *c =
        user && is_right ? users_find_password(identity_users(s), user) : NULL;
    if (c && l->generation == identity_generation(s))
        tries_remember(all->tries, identity_users(s), user, l->digest);
    login_finish(l, login_settle(l, &head, c));
}

/* The first that waits for a check to end and whose source has room, suspects
 * last; NULL: none. To try one costs more than to ask for room, and hundreds
 * may wait, for a single check that has ended. */
static struct login *logins_next(struct logins *all)
{
    struct login *first = NULL;
    LIST_EACH (link, &all->waiting) {
        struct login *l = LIST_OF(link, struct login, link);
        if (l->has_alarm || (first && l->is_suspect) ||
            !checks_have_room(all->tries->checks, &l->source))
            continue;
        if (!l->is_suspect)
            return l;
        first = l;
    }
    return first;
}

/* Each is tried once: it is compared then, or knows how long it has to wait. */
static void logins_review(struct logins *all)
{
    struct login *l;
    uint32_t left = all->waiting_count;
    while (left-- > 0 && (l = logins_next(all)) != NULL) {
        login_dequeue(l);
        login_finish(l, login_try(l));
    }
}

/* Each result makes room for another check. */
static void logins_on_results(void *arg)
{
    struct logins *all = arg;
    struct check_result result;
    while (checks_take(all->tries->checks, CHECKS_SESSIONS, &result))
        login_on_result(all, result.id, result.is_right);
    logins_review(all);
}

/* --- one ------------------------------------------------------------------ */

static struct login *login_new(struct session *s, struct logins *all,
                               const struct login_opening *o)
{
    struct login *l =
        budget_zalloc(s->all->budget, login_size(o->length, o->secret_length));
    if (!l)
        return NULL;
    l->session = s;
    l->all = all;
    l->result = LOGIN_PENDING;
    list_init(&l->link);
    alarm_init(&l->alarm.alarm);
    l->alarm.ring = login_on_alarm;
    struct network peer;
    l->source = tries_source(identity_source(s, &peer) ? &peer : NULL);
    l->head_length = o->length;
    l->secret_length = o->secret_length;
    memcpy(l->bytes, o->text, o->length);
    memcpy(l->bytes + o->length, o->secret, o->secret_length);
    return l;
}

bool login_begin(struct session *s, const struct login_opening *opening)
{
    struct logins *all = logins_obtain(units_hub(s), logins_on_results);
    struct login *l = all ? login_new(s, all, opening) : NULL;
    if (!l)
        return false;
    if (!idmap_put(&all->by_session, s->id, (uint64_t)(uintptr_t)l)) {
        budget_free(s->all->budget, l,
                    login_size(l->head_length, l->secret_length));
        return false;
    }
    login_count_waiting(all);
    l->result = (uint8_t)login_try(l);
    bool is_held = l->result == LOGIN_PENDING && l->state != LOGIN_ASKED;
    return !is_held || session_hold_hello(s);
}

bool login_exists(const struct session *s)
{
    return logins_find(s) != NULL;
}

enum login_result login_result(const struct session *s)
{
    return logins_find(s)->result;
}

bool login_is_asked(const struct session *s)
{
    const struct login *l = logins_find(s);
    return l->result == LOGIN_PENDING && l->state == LOGIN_ASKED;
}

void login_judge_signature(struct session *s, const uint8_t *body,
                           uint32_t length)
{
    struct login *l = logins_find(s);
    struct head head;
    uint8_t binding[TLS_BINDING];
    login_head(s, &head);
    const struct user *user = login_user(l, &head);
    bool has_tls = tls_is_started(s->stream);
    bool is_bound = tls_binding(s->stream, binding);
    bool is_one = length == SIGNATURE_BYTES && is_bound == has_tls;
    struct signature_claim claim = {.user = user ? user->name : "",
                                    .nonce = l->nonce,
                                    .binding = is_bound ? binding : NULL};
    const uint8_t *key = NULL;
    size_t keys = user ? user->key_count : 0;
    for (size_t i = 0; is_one && !key && i < keys; i++)
        if (signature_is_right(&claim, user->keys[i], body))
            key = user->keys[i];
    if (is_one && keys == 0)
        (void)signature_is_right(&claim, NULL, body); /* takes as long */
    const struct credential *c =
        key ? users_find_key(identity_users(s), key) : NULL;
    l->result = (uint8_t)login_settle(l, &head, c);
}

void login_head(const struct session *s, struct head *head)
{
    const struct login *l = logins_find(s);
    (void)head_parse_opening(head, l->bytes, l->head_length);
}

void login_end(struct session *s)
{
    struct login *l = logins_find(s);
    if (!l)
        return;
    struct logins *all = l->all;
    size_t size = login_size(l->head_length, l->secret_length);
    login_dequeue(l);
    if (l->state == LOGIN_COMPARED)
        checks_cancel(all->tries->checks, CHECKS_SESSIONS, s->id);
    idmap_remove(&all->by_session, s->id);
    login_count_waiting(all);
    explicit_bzero(l, size);
    budget_free(s->all->budget, l, size);
}
