/* SPDX-License-Identifier: MIT */
#include "broker/monitor/watchers.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zmq.h>

#include "broker/base/counters.h"
#include "broker/base/list.h"
#include "broker/base/log.h"
#include "broker/monitor/pub_thread.h"
#include "broker/monitor/watcher.h"
#include "broker/monitor/zap.h"
#include "broker/monitor/zmq_input.h"
#include "broker/net/reactor.h"
#include "common/address.h"
#include "users/network.h"

enum {
    WATCHERS_MIN = 4,
    FILES_PER_WATCHER = 16, /* of the limit on open files */
    ENDPOINT_BYTES = 256,
};

struct watchers {
    struct watchers_setup setup;
    const char *misspoken; /* what was wrong with the handshake of the
                              connection that ends next; NULL: nothing */
    void *pair;            /* where libzmq reports connections */
    struct zmq_input input;
    struct list all; /* the oldest first */
    size_t count, most;
};

size_t watchers_most(void)
{
    struct rlimit rl;
    if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
        return WATCHERS_MIN;
    rlim_t most = rl.rlim_max / FILES_PER_WATCHER;
    return most < WATCHERS_MIN   ? WATCHERS_MIN
           : most < WATCHERS_MAX ? (size_t)most
                                 : WATCHERS_MAX;
}

size_t watchers_count(const struct watchers *ws)
{
    return ws->count;
}

static struct watcher *watchers_find(const struct watchers *ws, int number)
{
    LIST_EACH (link, &ws->all) {
        struct watcher *w = LIST_OF(link, struct watcher, link);
        if (w->number == number)
            return w;
    }
    return NULL;
}

/* Subscriptions. */

static bool watchers_want(const struct watchers *ws, const char *prefix,
                          size_t length)
{
    LIST_EACH (link, &ws->all)
        if (watcher_find(LIST_OF(link, struct watcher, link), prefix, length))
            return true;
    return false;
}

static void watchers_end(struct watchers *ws, struct watcher *w,
                         struct subscription *s)
{
    watcher_take(w, s);
    if (!watchers_want(ws, s->prefix, s->length))
        ws->setup.on_change(ws->setup.arg, false, s->prefix, s->length);
    free(s);
}

static void watchers_remove(struct watchers *ws, struct watcher *w)
{
    LIST_EACH_SAFE (link, &w->subscriptions)
        watchers_end(ws, w, LIST_OF(link, struct subscription, link));
    watcher_free(w);
    ws->count--;
    counter_sub(ws->setup.counters, COUNT_watchers, 1);
}

static void watchers_cut(struct watchers *ws, struct watcher *w,
                         const char *reason)
{
    char peer[SLUICE_ADDRESS_TEXT_BYTES];
    watcher_address(w, peer, sizeof peer);
    log_event(ws->setup.log, LOG_WARNING, "watcher_cut", LOG_TEXT("peer", peer),
              LOG_TEXT("reason", reason));
    counter_add(ws->setup.counters, COUNT_watchers_cut, 1);
    watcher_cut(w->fd);
    watchers_remove(ws, w);
}

static void watchers_begin(struct watchers *ws, struct watcher *w,
                           const char *prefix, size_t length)
{
    bool is_new = !watchers_want(ws, prefix, length);
    if (!watcher_subscribe(w, prefix, length))
        watchers_cut(ws, w, "subscriptions");
    else if (is_new)
        ws->setup.on_change(ws->setup.arg, true, prefix, length);
}

/* A key does not change. */
static const char *watchers_fault(const struct watchers *ws,
                                  const struct watcher *w)
{
    struct network from;
    return w->key[0] ? zap_fault(ws->setup.zap, w->key,
                                 watcher_network(w, &from) ? &from : NULL)
                     : NULL;
}

static const char *watchers_topic_fault(const struct watchers *ws,
                                        const struct watcher *w,
                                        const char *prefix, size_t length)
{
    return w->key[0] ? zap_topic_fault(ws->setup.zap, w->key, prefix, length)
                     : NULL;
}

static void watchers_on_input(struct watcher *w, void *arg)
{
    struct watchers *ws = arg;
    if (!watcher_measure(w, reactor_now_ms(ws->setup.reactor)))
        watchers_cut(ws, w, "bytes");
}

/* Coming and going. */

/* Those that only connect give way to others. */
static bool watchers_make_room(struct watchers *ws)
{
    if (ws->count < ws->most)
        return true;
    LIST_EACH (link, &ws->all) {
        struct watcher *w = LIST_OF(link, struct watcher, link);
        if (w->subscription_count > 0)
            continue;
        watcher_cut(w->fd);
        watchers_remove(ws, w);
        return true;
    }
    return false;
}

static void watchers_log_full(struct watchers *ws)
{
    counter_add(ws->setup.counters, COUNT_watchers_refused, 1);
    log_event(ws->setup.log, LOG_WARNING, "watchers_full",
              LOG_U64("watchers", ws->count));
}

/* A connection that cannot be watched must not stay. This thread opens all
 * other descriptors of the broker: so the number cannot become another one's
 * between the check and the shutdown. */
static void watchers_on_accepted(struct watchers *ws, int number,
                                 const char *endpoint)
{
    struct watcher *w = NULL;
    bool is_full = ws->count == ws->most;
    if (!watcher_is_at(number, endpoint))
        return;
    if (is_full)
        watchers_log_full(ws);
    if (watchers_make_room(ws))
        w = watcher_new(ws->setup.reactor, number, watchers_on_input, ws);
    if (!w) {
        watcher_cut(number);
        return;
    }
    list_insert(&ws->all, &w->link);
    ws->count++;
    counter_add(ws->setup.counters, COUNT_watchers, 1);
    watchers_on_input(w, ws);
}

/* libzmq ends the connection at once, and reports this next. */
static void watchers_on_misspoken(struct watchers *ws, uint32_t error)
{
    ws->misspoken = error == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
                        ? "mechanism"
                        : "handshake";
}

/* One that ended before the report of its beginning was read has no watcher. */
static void watchers_log_misspoken(struct watchers *ws, const struct watcher *w)
{
    char peer[SLUICE_ADDRESS_TEXT_BYTES] = "gone";
    if (w)
        watcher_address(w, peer, sizeof peer);
    counter_add(ws->setup.counters, COUNT_watchers_refused, 1);
    log_event(ws->setup.log, LOG_WARNING, "watcher_refused",
              LOG_TEXT("peer", peer), LOG_TEXT("reason", ws->misspoken));
}

static void watchers_on_gone(struct watchers *ws, int number)
{
    struct watcher *w = watchers_find(ws, number);
    if (ws->misspoken)
        watchers_log_misspoken(ws, w);
    ws->misspoken = NULL;
    if (w)
        watchers_remove(ws, w);
}

/* Two parts, the first of which is packed: see zmq_socket_monitor(3). */
static bool watchers_read_event(void *arg)
{
    struct watchers *ws = arg;
    unsigned char head[sizeof(uint16_t) + sizeof(uint32_t)];
    char endpoint[ENDPOINT_BYTES] = "";
    uint16_t event;
    uint32_t number;
    int n = zmq_recv(ws->pair, head, sizeof head, ZMQ_DONTWAIT);
    if (n < 0)
        return false;
    (void)zmq_recv(ws->pair, endpoint, sizeof endpoint - 1, ZMQ_DONTWAIT);
    if (n != (int)sizeof head)
        return true;
    memcpy(&event, head, sizeof event);
    memcpy(&number, head + sizeof event, sizeof number);
    if (event == ZMQ_EVENT_ACCEPTED)
        watchers_on_accepted(ws, (int)number, endpoint);
    else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        watchers_on_misspoken(ws, number);
    else
        watchers_on_gone(ws, (int)number);
    return true;
}

/* libzmq reports a connection before it reads from it, so the report of any
 * connection that a message came from is already here. */
static void watchers_catch_up(struct watchers *ws)
{
    while (watchers_read_event(ws))
        continue;
    zmq_input_recheck(&ws->input);
}

void watchers_hear(struct watchers *ws, const struct pub_thread_report *head,
                   const char *prefix, size_t length)
{
    watchers_catch_up(ws);
    struct watcher *w = watchers_find(ws, head->number);
    if (!w)
        return;
    memcpy(w->key, head->key, sizeof w->key);
    struct subscription *s = watcher_find(w, prefix, length);
    const char *fault = watchers_fault(ws, w);
    if (!fault && head->is_subscribed)
        fault = watchers_topic_fault(ws, w, prefix, length);
    if (fault)
        watchers_cut(ws, w, fault);
    else if (head->is_subscribed && !s)
        watchers_begin(ws, w, prefix, length);
    else if (s && !head->is_subscribed)
        watchers_end(ws, w, s);
}

static const char *watchers_review_one(const struct watchers *ws,
                                       const struct watcher *w)
{
    const char *fault = watchers_fault(ws, w);
    LIST_EACH (link, &w->subscriptions) {
        const struct subscription *s = LIST_OF(link, struct subscription, link);
        if (!fault)
            fault = watchers_topic_fault(ws, w, s->prefix, s->length);
    }
    return fault;
}

void watchers_review(struct watchers *ws, bool is_any)
{
    watchers_catch_up(ws);
    LIST_EACH_SAFE (link, &ws->all) {
        struct watcher *w = LIST_OF(link, struct watcher, link);
        const char *fault = watchers_review_one(ws, w);
        if (fault || (is_any && !w->key[0]))
            watchers_cut(ws, w, fault ? fault : "rights");
    }
}

/* Opening and closing. */

/* Without a bound on the reports, because libzmq's thread would wait for room,
 * also while the socket is closed. What is reported is read in every turn. */
static bool watchers_open(struct watchers *ws)
{
    static const int unbounded = 0;
    const struct watchers_setup *s = &ws->setup;
    char endpoint[ENDPOINT_BYTES];
    snprintf(endpoint, sizeof endpoint, "inproc://watchers-%p", (void *)ws);
    ws->pair = zmq_socket(s->zmq, ZMQ_PAIR);
    return ws->pair &&
           zmq_setsockopt(ws->pair, ZMQ_RCVHWM, &unbounded, sizeof unbounded) ==
               0 &&
           zmq_socket_monitor(s->socket, endpoint,
                              ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
                                  ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) == 0 &&
           zmq_connect(ws->pair, endpoint) == 0 &&
           zmq_input_open(&ws->input, s->reactor, ws->pair, watchers_read_event,
                          ws);
}

static void ignore_change(void *arg, bool is_subscribed, const char *prefix,
                          size_t length)
{
    (void)arg;
    (void)is_subscribed;
    (void)prefix;
    (void)length;
}

struct watchers *watchers_new(const struct watchers_setup *setup)
{
    struct watchers *ws = calloc(1, sizeof *ws);
    if (!ws)
        return NULL;
    ws->setup = *setup;
    if (!setup->on_change)
        ws->setup.on_change = ignore_change;
    ws->most = watchers_most();
    list_init(&ws->all);
    if (watchers_open(ws))
        return ws;
    int err = errno;
    watchers_free(ws);
    errno = err;
    return NULL;
}

void watchers_free(struct watchers *ws)
{
    if (!ws)
        return;
    ws->setup.on_change = ignore_change;
    LIST_EACH_SAFE (link, &ws->all)
        watchers_remove(ws, LIST_OF(link, struct watcher, link));
    (void)zmq_socket_monitor(ws->setup.socket, NULL, 0);
    zmq_input_close(&ws->input);
    if (ws->pair)
        zmq_close(ws->pair);
    free(ws);
}
