/* SPDX-License-Identifier: MIT */
#include "broker/http/guard.h"

#include <stdlib.h>
#include <string.h>

#include "broker/auth/checks.h"
#include "broker/auth/identify.h"
#include "broker/auth/tries.h"
#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/base/throttle.h"
#include "broker/net/reactor.h"
#include "broker/net/tls.h"
#include "users/users.h"

enum {
    LOG_PER_SECOND = 10,
    RETRY_MS = 50, /* until there is room among the passwords compared */
    PEER_TEXT_BYTES = 64,
};

struct guard {
    struct guard_config config;
    struct users *users; /* owned */
    struct list pending; /* struct guard_case, in order of arrival */
    uint32_t pending_count;
    uint64_t last_id;
    struct reactor_timer *timer;  /* for the first that is QUEUED */
    struct reactor_file *results; /* of the passwords */
    struct throttle log;          /* of refusals */
};

static const struct http_verdict admitted = {HTTP_OK, NULL},
                                 undecided = {HTTP_UNDECIDED, NULL},
                                 unknown = {HTTP_UNAUTHORIZED, NULL},
                                 exposed = {HTTP_UPGRADE_REQUIRED, NULL};

/* --- verdicts --------------------------------------------------------------
 */

static const char *const mechs[] = {[HTTP_BASIC] = "plain",
                                    [HTTP_BEARER] = "token",
                                    [HTTP_OTHER_SCHEME] = "unknown"};

struct peer_text {
    char text[PEER_TEXT_BYTES];
};

static struct peer_text case_write_peer(const struct guard_case *c)
{
    struct peer_text out;
    peer_format(c->peer, out.text, sizeof out.text);
    return out;
}

/* Counts a refusal; whether it is worth a line. */
static bool guard_count_refusal(struct guard *g)
{
    counter_add(g->config.counters, COUNT_http_refused, 1);
    return throttle_pass(&g->log, reactor_now_ms(g->config.reactor),
                         THROTTLE_PER_SECOND(LOG_PER_SECOND), 1) > 0;
}

/* Each request shows it again, so that passwords are no more worth a line than
 * tokens are. */
static void case_log_right(const struct guard *g, const struct guard_case *c,
                           const struct user *user)
{
    if (log_is_on(g->config.log, LOG_DEBUG))
        log_event(g->config.log, LOG_DEBUG, "auth_ok",
                  LOG_TEXT("peer", case_write_peer(c).text),
                  LOG_TEXT("user", user->name),
                  LOG_TEXT("mech", mechs[c->login.scheme]));
}

static void case_log_wrong(struct guard *g, const struct guard_case *c)
{
    if (guard_count_refusal(g))
        log_bounded(g->config.log, LOG_WARNING, "auth_failed",
                    LOG_LIST(LOG_TEXT("peer", case_write_peer(c).text),
                             LOG_BYTES("user", (const uint8_t *)c->login.user,
                                       strlen(c->login.user)),
                             LOG_TEXT("mech", mechs[c->login.scheme]),
                             LOG_U64("missed", throttle_take_missed(&g->log))));
}

static void case_log_denied(struct guard *g, const struct guard_case *c,
                            const struct user *user)
{
    if (guard_count_refusal(g))
        log_event(g->config.log, LOG_WARNING, "http_denied",
                  LOG_TEXT("peer", case_write_peer(c).text),
                  LOG_TEXT("user", user->name),
                  LOG_U64("missed", throttle_take_missed(&g->log)));
}

static struct http_verdict case_refuse_busy(struct guard *g)
{
    static const struct http_verdict busy = {
        HTTP_UNAVAILABLE, "too many wait to be recognised, or have failed, "
                          "where you come from: ask again later"};
    counter_add(g->config.counters, COUNT_http_refused, 1);
    return busy;
}

static void case_keep(struct guard *g, struct guard_case *c,
                      const struct credential *shown)
{
    users_unref(c->users);
    c->users = users_ref(g->users);
    c->shown = shown;
}

/* Who shows nothing is asked to, rather than refused. */
static struct http_verdict case_admit(struct guard *g, struct guard_case *c,
                                      const struct credential *shown)
{
    static const struct http_verdict forbidden = {
        HTTP_FORBIDDEN, "this user may not watch: that takes monitor = yes in "
                        "its section of the users file"};
    const struct user *user = credential_user(shown);
    case_keep(g, c, shown);
    if (user && user->rights.may_monitor)
        return admitted;
    bool is_nobody = !user || strcmp(user->name, USER_ANONYMOUS) == 0;
    if (!is_nobody)
        case_log_denied(g, c, user);
    return is_nobody ? unknown : forbidden;
}

/* The name of a certificate is written to `name`, which the peer points to. */
static struct identify_peer case_peer(const struct guard_case *c,
                                      char name[TLS_NAME_MAX + 1])
{
    struct identify_peer peer = {.has_uid = c->has_uid, .uid = c->uid};
    if (tls_client_name(c->stream, name))
        peer.certificate = name;
    bool is_v4 = c->peer->family == AF_INET;
    peer.has_address = is_v4 || c->peer->family == AF_INET6;
    if (peer.has_address)
        peer.address = network_of_ip(c->peer->ip, is_v4);
    return peer;
}

/* `shown` is whose the secret is; NULL: nobody's. */
static struct http_verdict case_settle(struct guard *g, struct guard_case *c,
                                       const struct credential *shown)
{
    char name[TLS_NAME_MAX + 1];
    struct identify_peer peer = case_peer(c, name);
    bool is_right = shown && identify_may_be(g->users, &peer, shown);
    counter_add(g->config.counters,
                is_right ? COUNT_logins : COUNT_logins_failed, 1);
    if (is_right) {
        case_log_right(g, c, credential_user(shown));
        return case_admit(g, c, shown);
    }
    tries_fail(g->config.tries, &c->source);
    case_log_wrong(g, c);
    return unknown;
}

/* --- waiting ----------------------------------------------------------------
 */

static uint32_t guard_count_source(const struct guard *g,
                                   const struct network *source)
{
    uint32_t n = 0;
    LIST_EACH (link, &g->pending)
        n += network_compare(&LIST_OF(link, struct guard_case, link)->source,
                             source) == 0;
    return n;
}

/* Not the case itself: it is pending only from now on. */
static bool case_pend(struct guard *g, struct guard_case *c,
                      enum guard_state state)
{
    if (g->pending_count >= GUARD_PENDING_MAX ||
        guard_count_source(g, &c->source) >= GUARD_PENDING_SOURCE_MAX)
        return false;
    c->state = state;
    list_insert(&g->pending, &c->link);
    g->pending_count++;
    return true;
}

static void case_clear(struct guard *g, struct guard_case *c)
{
    if (c->state == GUARD_CLEAR)
        return;
    list_remove(&c->link);
    g->pending_count--;
    c->state = GUARD_CLEAR;
}

/* The earliest that is QUEUED; NULL when there is none. */
static struct guard_case *guard_first(const struct guard *g)
{
    struct guard_case *first = NULL;
    LIST_EACH (link, &g->pending) {
        struct guard_case *c = LIST_OF(link, struct guard_case, link);
        if (c->state == GUARD_QUEUED && (!first || c->due_ms < first->due_ms))
            first = c;
    }
    return first;
}

static void guard_schedule(struct guard *g)
{
    const struct guard_case *first = guard_first(g);
    uint64_t now_ms = tries_now_ms();
    if (first)
        (void)reactor_timer_start(
            g->timer,
            first->due_ms > now_ms ? (uint32_t)(first->due_ms - now_ms) : 0);
}

static struct http_verdict case_queue(struct guard *g, struct guard_case *c,
                                      uint32_t ms)
{
    if (ms > GUARD_QUEUED_MAX_MS || !case_pend(g, c, GUARD_QUEUED))
        return case_refuse_busy(g);
    c->due_ms = tries_now_ms() + ms;
    guard_schedule(g);
    return undecided;
}

/* --- the ways ---------------------------------------------------------------
 */

static struct http_verdict case_by_connection(struct guard *g,
                                              struct guard_case *c)
{
    char name[TLS_NAME_MAX + 1];
    struct identify_peer peer = case_peer(c, name);
    return case_admit(g, c, identify_connection(g->users, &peer));
}

static struct http_verdict case_by_token(struct guard *g, struct guard_case *c)
{
    return case_settle(
        g, c,
        identify_token(g->users, c->login.secret, c->login.secret_length));
}

static struct http_verdict case_compare(struct guard *g, struct guard_case *c,
                                        const struct user *user)
{
    struct check_claim claim = {
        .hash = user ? user->password : NULL,
        .decoy = users_decoy(g->users),
        .secret = c->login.secret,
        .length = c->login.secret_length,
        .is_suspect = tries_is_suspect(g->config.tries, &c->source)};
    if (!case_pend(g, c, GUARD_COMPARED))
        return case_refuse_busy(g);
    c->id = ++g->last_id;
    c->hash = tries_hash(g->config.tries, user);
    case_keep(g, c, NULL);
    if (checks_submit(g->config.tries->checks, CHECKS_DOCUMENTS, c->id,
                      &c->source, &claim)) {
        counter_add(g->config.counters, COUNT_passwords_compared, 1);
        return undecided;
    }
    case_clear(g, c);
    return case_queue(g, c, RETRY_MS);
}

static struct http_verdict case_by_password(struct guard *g,
                                            struct guard_case *c)
{
    const struct http_login *l = &c->login;
    const struct user *user = users_find(g->users, l->user);
    const struct credential *own =
        user ? users_find_password(g->users, user) : NULL;
    if (l->secret_length > CHECKS_SECRET_MAX)
        return case_settle(g, c, NULL);
    if (own && tries_recall(g->config.tries, g->users, user, l->secret,
                            l->secret_length, c->digest))
        return case_settle(g, c, own);
    return case_compare(g, c, user);
}

static struct http_verdict case_by_other(struct guard *g, struct guard_case *c)
{
    return case_settle(g, c, NULL);
}

/* By what it shows, which waits while its source is slowed. */
static struct http_verdict case_try(struct guard *g, struct guard_case *c)
{
    static struct http_verdict (*const ways[])(struct guard * g,
                                               struct guard_case * c) = {
        [HTTP_NOTHING_SHOWN] = case_by_connection,
        [HTTP_BASIC] = case_by_password,
        [HTTP_BEARER] = case_by_token,
        [HTTP_OTHER_SCHEME] = case_by_other};
    uint32_t ms = c->login.scheme == HTTP_NOTHING_SHOWN
                      ? 0
                      : tries_wait_ms(g->config.tries, &c->source);
    return ms > 0 ? case_queue(g, c, ms) : ways[c->login.scheme](g, c);
}

static void case_go_on(struct guard *g, struct guard_case *c,
                       struct http_verdict verdict)
{
    if (verdict.status == HTTP_UNDECIDED)
        return;
    http_login_wipe(&c->login);
    g->config.decided(c, verdict);
}

/* Each at most once: one that is queued again comes later. */
static void guard_on_timer(void *arg)
{
    struct guard *g = arg;
    uint64_t now_ms = tries_now_ms();
    struct guard_case *c;
    for (uint32_t left = g->pending_count;
         left > 0 && (c = guard_first(g)) && c->due_ms <= now_ms; left--) {
        case_clear(g, c);
        case_go_on(g, c, case_try(g, c));
    }
    guard_schedule(g);
}

static struct guard_case *guard_find(const struct guard *g, uint64_t id)
{
    LIST_EACH (link, &g->pending) {
        struct guard_case *c = LIST_OF(link, struct guard_case, link);
        if (c->state == GUARD_COMPARED && c->id == id)
            return c;
    }
    return NULL;
}

/* With what is not the user's hash any more, it is compared again. */
static struct http_verdict case_compared(struct guard *g, struct guard_case *c,
                                         bool is_right)
{
    const struct user *user = users_find(g->users, c->login.user);
    if (c->hash != tries_hash(g->config.tries, user))
        return case_try(g, c);
    const struct credential *own =
        user && is_right ? users_find_password(g->users, user) : NULL;
    if (own && c->users == g->users)
        tries_remember(g->config.tries, g->users, user, c->digest);
    return case_settle(g, c, own);
}

static void guard_on_results(void *arg)
{
    struct guard *g = arg;
    struct check_result result;
    while (checks_take(g->config.tries->checks, CHECKS_DOCUMENTS, &result)) {
        struct guard_case *c = guard_find(g, result.id);
        if (!c)
            continue;
        case_clear(g, c);
        case_go_on(g, c, case_compared(g, c, result.is_right));
    }
}

/* --- one case ---------------------------------------------------------------
 */

void guard_begin(struct guard_case *c, const struct stream *stream, int fd,
                 const struct peer *peer)
{
    *c = (struct guard_case){.stream = stream, .peer = peer};
    bool is_v4 = peer->family == AF_INET;
    struct network address = network_of_ip(peer->ip, is_v4);
    bool has_address = is_v4 || peer->family == AF_INET6;
    c->has_uid = !has_address && peer_user(fd, &c->uid);
    c->source = tries_source(has_address ? &address : NULL);
}

struct http_verdict guard_judge(struct guard *g, struct guard_case *c,
                                const char *authorization)
{
    if (authorization && c->is_exposed)
        return exposed;
    http_login_parse(&c->login, authorization);
    struct http_verdict verdict = case_try(g, c);
    if (verdict.status != HTTP_UNDECIDED)
        http_login_wipe(&c->login);
    return verdict;
}

bool guard_holds(const struct guard *g, struct guard_case *c)
{
    char name[TLS_NAME_MAX + 1];
    struct identify_peer peer = case_peer(c, name);
    if (c->users == g->users)
        return true;
    const struct credential *again =
        c->shown ? identify_again(g->users, &peer, c->shown) : NULL;
    return again && credential_user(again)->rights.may_monitor;
}

void guard_forget(struct guard *g, struct guard_case *c)
{
    if (g && c->state == GUARD_COMPARED)
        checks_cancel(g->config.tries->checks, CHECKS_DOCUMENTS, c->id);
    if (g)
        case_clear(g, c);
    http_login_wipe(&c->login);
    users_unref(c->users);
    c->users = NULL;
    c->shown = NULL;
}

/* --- all of them ------------------------------------------------------------
 */

struct guard *guard_new(const struct guard_config *config, struct users *users)
{
    struct guard *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->config = *config;
    list_init(&g->pending);
    g->timer = reactor_timer_new(config->reactor, guard_on_timer, g);
    g->results = reactor_file_new(
        config->reactor, checks_fd(config->tries->checks, CHECKS_DOCUMENTS),
        guard_on_results, g);
    if (g->timer && g->results) {
        g->users = users;
        return g;
    }
    guard_free(g);
    return NULL;
}

void guard_free(struct guard *g)
{
    if (!g)
        return;
    reactor_timer_free(g->timer);
    reactor_file_free(g->results);
    users_unref(g->users);
    free(g);
}

void guard_set_users(struct guard *g, struct users *users)
{
    users_unref(g->users);
    g->users = users;
}
