/* SPDX-License-Identifier: MIT */
#include "broker/http/server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/base/throttle.h"
#include "broker/http/guard.h"
#include "broker/net/listener.h"
#include "broker/net/peer.h"
#include "broker/net/reactor.h"
#include "broker/net/stream.h"
#include "broker/net/tls.h"
#include "common/address.h"
#include "common/http_head.h"
#include "common/http_pool.h"

enum { LOG_PER_SECOND = 10, PEER_TEXT_BYTES = 64 };

/* An address, and what is demanded there. */
struct http_door {
    struct http_server *server;
    struct http_demands demands;
};

struct http_server {
    struct http_site site;
    struct http_pool pool;
    char **names; /* of `site` */
    struct reactor *reactor;
    struct counters *counters;
    struct listener *listeners;
    struct reactor_timer *timer;
    struct log *log;
    struct throttle faults; /* of TLS, in the log */
    struct tls *tls;        /* NULL: nobody speaks it */
    struct tries *tries;    /* NULL: nobody has to be known */
    struct guard *guard;    /* NULL until there are users */
    size_t door_count;
    struct http_door doors[HTTP_SERVER_DOORS_MAX];
};

struct http_client {
    struct http_connection http; /* first: pool and stream hand it back */
    struct deferred deferred;
    struct http_server *server;
    const struct http_door *door;
    struct peer peer;
    struct stream *stream;
    struct guard_case guarded;
};

static struct http_client *http_client_of(struct http_connection *c)
{
    return (struct http_client *)(void *)c;
}

static void http_client_free(struct deferred *d)
{
    struct http_client *c =
        (struct http_client *)(void *)((char *)d -
                                       offsetof(struct http_client, deferred));
    http_connection_fini(&c->http);
    free(c);
}

/* Without the end that TLS demands many clients leave: that says nothing. */
static void http_client_log_fault(const struct http_client *c)
{
    struct http_server *s = c->server;
    char peer[PEER_TEXT_BYTES];
    const char *alert;
    enum tls_fault fault = tls_fault_of(c->stream, &alert);
    if (fault == TLS_SOUND || fault == TLS_CUT ||
        throttle_pass(&s->faults, reactor_now_ms(s->reactor),
                      THROTTLE_PER_SECOND(LOG_PER_SECOND), 1) == 0)
        return;
    peer_format(&c->peer, peer, sizeof peer);
    log_event(s->log, LOG_INFO, "http_tls_failed", LOG_TEXT("peer", peer),
              LOG_TEXT("fault", tls_fault_rows[fault].name),
              LOG_TEXT("alert", alert),
              LOG_TEXT("hint", tls_fault_rows[fault].hint),
              LOG_U64("missed", throttle_take_missed(&s->faults)));
}

static void http_client_close(struct http_connection *http)
{
    struct http_client *c = http_client_of(http);
    http_client_log_fault(c);
    guard_forget(c->server->guard, &c->guarded);
    stream_close(c->stream);
    http_pool_remove(&c->server->pool, http);
    reactor_defer(c->server->reactor, &c->deferred);
}

/* Sends as much as the socket takes. False when the connection is broken. */
static bool http_client_send(struct http_client *c)
{
    struct iovec iov[HTTP_CONNECTION_IOVS];
    int n;
    while ((n = http_connection_output(&c->http, iov)) > 0) {
        size_t put = 0;
        enum stream_status status = stream_write(c->stream, iov, n, &put);
        if (status != STREAM_OK)
            return status == STREAM_AGAIN;
        http_connection_sent(&c->http, put, reactor_now_ms(c->server->reactor));
        if (c->http.stage == HTTP_LEAVING)
            stream_shutdown(c->stream);
    }
    return true;
}

/* Sends pending output, and requests the events that the connection waits for.
 * False when that has closed the connection. */
static bool http_client_go_on(struct http_client *c)
{
    struct iovec iov[HTTP_CONNECTION_IOVS];
    bool is_sound = http_client_send(c);
    bool wants_write = http_connection_output(&c->http, iov) > 0;
    enum stream_mode mode =
        http_connection_wants_input(&c->http) ? STREAM_READING : STREAM_RESTING;
    if (is_sound && stream_set(c->stream, mode, wants_write))
        return true;
    http_client_close(&c->http);
    return false;
}

/* No method begins with that byte. */
static bool http_client_begins_tls(const struct http_client *c,
                                   const char *bytes)
{
    const struct tls *tls = c->server->tls;
    return c->http.stage == HTTP_SILENT && bytes[0] == TLS_FIRST_BYTE && tls &&
           tls_current(tls) && c->door->demands.may_use_tls;
}

/* False when there is no memory. */
static bool http_client_take(struct http_client *c, const char *bytes, size_t n)
{
    if (http_client_begins_tls(c, bytes)) {
        http_connection_expect(&c->http);
        return tls_start(c->server->tls, c->stream, &c->peer, TLS_SPEAKS_HTTP,
                         (const uint8_t *)bytes, n);
    }
    if (c->door->demands.must_use_tls && !tls_is_started(c->stream))
        c->http.refusal = HTTP_UPGRADE_REQUIRED;
    bool was_asking = c->http.stage <= HTTP_ASKING;
    bool ok = http_connection_receive(&c->http, bytes, n,
                                      reactor_now_ms(c->server->reactor));
    if (was_asking && c->http.stage > HTTP_ASKING)
        counter_add(c->server->counters, COUNT_http_requests, 1);
    return ok;
}

/* Decides whether a request is answered. */
static struct http_verdict http_client_judge(struct http_connection *http,
                                             const struct http_request *request)
{
    static const struct http_verdict admitted = {HTTP_OK, NULL};
    struct http_client *c = http_client_of(http);
    struct http_server *s = c->server;
    if (!s->guard || !c->door->demands.must_be_known)
        return admitted;
    c->guarded.is_exposed = c->door->demands.may_use_tls && s->tls &&
                            tls_current(s->tls) && !tls_is_started(c->stream) &&
                            !peer_is_local(&c->peer);
    return guard_judge(s->guard, &c->guarded, request->authorization);
}

static void http_client_on_decided(struct guard_case *g,
                                   struct http_verdict verdict)
{
    struct http_client *c =
        (struct http_client *)(void *)((char *)g -
                                       offsetof(struct http_client, guarded));
    if (http_connection_judged(&c->http, verdict,
                               reactor_now_ms(c->server->reactor)))
        (void)http_client_go_on(c);
    else
        http_client_close(&c->http);
}

/* Reads once. False when that has closed the connection. */
static bool http_client_read(struct http_connection *http)
{
    struct http_client *c = http_client_of(http);
    char bytes[HTTP_HEAD_MAX];
    size_t got = 0;
    struct iovec iov = {bytes, sizeof bytes};
    enum stream_status status = stream_read(c->stream, &iov, 1, &got);
    if (status == STREAM_AGAIN)
        return true;
    bool is_taken = status == STREAM_OK && http_client_take(c, bytes, got);
    if (c->server->guard)
        explicit_bzero(bytes, got);
    if (is_taken)
        return http_client_go_on(c);
    http_client_close(http);
    return false;
}

static void http_client_on_readable(void *owner)
{
    (void)http_client_read(owner);
}

static void http_client_on_writable(void *owner)
{
    (void)http_client_go_on(owner);
}

static void http_client_on_end(void *owner, enum stream_status how)
{
    /* The client may have closed its side and still want the answer. */
    if (how == STREAM_RESET)
        http_client_close(owner);
}

static const struct stream_events http_client_events = {
    http_client_on_readable, http_client_on_writable, http_client_on_end};

/* Coming and going. */

static void http_server_schedule(struct http_server *s)
{
    uint32_t left = http_pool_left_ms(&s->pool, reactor_now_ms(s->reactor));
    if (left != UINT32_MAX)
        (void)reactor_timer_start(s->timer, left);
}

static void http_server_on_timer(void *arg)
{
    struct http_server *s = arg;
    struct http_connection *c;
    while ((c = http_pool_due(&s->pool, reactor_now_ms(s->reactor))) != NULL)
        http_client_close(c);
    http_server_schedule(s);
}

static void http_server_on_accept(void *owner, int fd,
                                  const struct sockaddr *peer, socklen_t length)
{
    const struct http_door *door = owner;
    struct http_server *s = door->server;
    struct http_client *c = calloc(1, sizeof *c);
    struct stream *stream = stream_open(s->reactor, fd, &http_client_events, c);
    if (!c || !stream) {
        if (stream)
            stream_close(stream);
        free(c);
        return;
    }
    http_connection_init(&c->http, &s->site, reactor_now_ms(s->reactor));
    (void)peer_user(fd, &c->http.user);
    c->deferred.free = http_client_free;
    c->server = s;
    c->door = door;
    c->peer = peer_of(peer, length);
    c->stream = stream;
    guard_begin(&c->guarded, stream, fd, &c->peer);
    http_pool_make_room(&s->pool, http_client_read, http_client_close);
    http_pool_add(&s->pool, &c->http);
    http_server_schedule(s);
}

/* The listener pauses for a moment by itself. */
static void http_server_on_accept_error(void *owner, int err)
{
    (void)owner;
    (void)err;
}

static const struct listener_events http_server_events = {
    http_server_on_accept, http_server_on_accept_error};

/* Opening and closing. */

static struct http_site http_server_site(const struct http_server_config *c)
{
    return (struct http_site){
        .routes = c->routes,
        .route_count = c->route_count,
        .arg = c->arg,
        .stranger = HTTP_FORBIDDEN,
        .judge = http_client_judge,
        .headers = "Content-Security-Policy: default-src 'none'; "
                   "frame-ancestors 'none'\r\n",
        .connections_max = c->connections_max,
        .head_ms = HTTP_SERVER_LIFE_MS,
        .wait_ms = HTTP_SERVER_WAIT_MS,
        .answer_ms = HTTP_SERVER_LIFE_MS,
    };
}

static bool http_server_copy_names(struct http_server *s,
                                   const struct http_server_config *config)
{
    s->names = calloc(config->name_count + 1, sizeof *s->names);
    if (!s->names)
        return false;
    s->site.names = (const char *const *)s->names;
    while (s->site.name_count < config->name_count) {
        char *name = strdup(config->names[s->site.name_count]);
        if (!name)
            return false;
        s->names[s->site.name_count++] = name;
    }
    return true;
}

struct http_server *http_server_new(struct reactor *r,
                                    struct counters *counters,
                                    const struct http_server_config *config)
{
    struct http_server *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->site = http_server_site(config);
    s->reactor = r;
    s->counters = counters;
    s->log = config->log;
    s->tls = config->tls;
    s->tries = config->tries;
    s->timer = reactor_timer_new(r, http_server_on_timer, s);
    if (s->timer && http_server_copy_names(s, config) &&
        http_pool_init(&s->pool, s->site.connections_max))
        return s;
    http_server_free(s);
    return NULL;
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    while (s->listeners)
        s->listeners = listener_close(s->listeners);
    while (s->pool.count > 0)
        http_client_close(s->pool.all[0]);
    http_pool_fini(&s->pool);
    guard_free(s->guard);
    reactor_timer_free(s->timer);
    while (s->site.name_count > 0)
        free(s->names[--s->site.name_count]);
    free(s->names);
    free(s);
}

static bool http_server_make_guard(struct http_server *s, struct users *users)
{
    const struct guard_config config = {.reactor = s->reactor,
                                        .counters = s->counters,
                                        .log = s->log,
                                        .tries = s->tries,
                                        .decided = http_client_on_decided};
    s->guard = guard_new(&config, users);
    return s->guard != NULL;
}

/* Who waits for a document was admitted by the users of before. */
static void http_server_review(struct http_server *s)
{
    for (size_t i = s->pool.count; i-- > 0;) {
        struct http_client *c = http_client_of(s->pool.all[i]);
        if (c->http.stage == HTTP_WAITING && c->door->demands.must_be_known &&
            !guard_holds(s->guard, &c->guarded))
            http_client_close(&c->http);
    }
}

bool http_server_set_users(struct http_server *s, struct users *users)
{
    if (!s->guard)
        return http_server_make_guard(s, users);
    guard_set_users(s->guard, users);
    http_server_review(s);
    return true;
}

/* From the last one: closing one moves those after it. */
void http_server_resume(struct http_server *s)
{
    uint32_t now_ms = reactor_now_ms(s->reactor);
    for (size_t i = s->pool.count; i-- > 0;) {
        struct http_connection *c = s->pool.all[i];
        if (c->stage != HTTP_WAITING)
            continue;
        if (http_connection_resume(c, now_ms))
            (void)http_client_go_on(http_client_of(c));
        else
            http_client_close(c);
    }
    http_server_schedule(s);
}

bool http_server_listen(struct http_server *s, const char *address,
                        struct http_demands demands, struct sentence *why)
{
    assert(s->door_count < HTTP_SERVER_DOORS_MAX);
    struct http_door *door = &s->doors[s->door_count++];
    *door = (struct http_door){s, demands};
    return listener_open(s->reactor, address, SLUICE_DEFAULT_HTTP_PORT,
                         &http_server_events, door, &s->listeners, why);
}

const struct listener *http_server_listeners(const struct http_server *s)
{
    return s->listeners;
}
