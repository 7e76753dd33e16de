/* SPDX-License-Identifier: MIT
 *
 * monitor - everything the broker sends to its watchers: reports to ZeroMQ
 * collectors, a feed for ZeroMQ subscribers, documents for an HTTP server. Each
 * is off unless configured, runs in the broker's loop, and never blocks it. The
 * feed has local sockets, too, where libzmq is started by the first watcher.
 */
#ifndef SLUICE_MONITOR_MONITOR_H
#define SLUICE_MONITOR_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/monitor/outlet.h"

struct broker_view;
struct http_route;
struct monitor;
struct sentence;
struct users;

enum {
    MONITOR_DESCRIPTORS = 64,       /* for HTTP clients and libzmq itself */
    MONITOR_LOCAL_DESCRIPTORS = 32, /* for libzmq and a few local watchers */
    MONITOR_LOCALS_MAX = 2,
};

struct monitor_config {
    struct endpoints connects; /* of collectors */
    struct endpoints binds[OUTLET_KINDS];
    bool is_for_http; /* the routes will be served */
    uint64_t taps_per_second;
    const char *key, *clients; /* as in outlet.h */
    const char *collector;     /* file of the public key of those in `connects`;
                                  NULL: they get reports in clear */
    struct users *users;       /* the same */
};

/* The routes to be served over HTTP: `count` rows, whose functions take the
 * monitor. A constant. */
const struct http_route *monitor_routes(size_t *count);

/* Nothing is open yet. The lists of `config` are borrowed until monitor_start
 * returns. Of `broker` the name and the colour are copied, everything else that
 * it points at is borrowed. NULL, with the reason, without memory. */
struct monitor *monitor_new(const struct monitor_config *config,
                            const struct broker_view *broker,
                            struct sentence *why);

/* Opens a local socket for the feed, at most MONITOR_LOCALS_MAX; call it before
 * monitor_start. False, with the reason, when that is not possible. */
bool monitor_listen(struct monitor *m, const char *path, struct sentence *why);

/* Logs the local sockets. */
void monitor_log_locals(const struct monitor *m);

/* Opens everything that is configured; what nobody can use before a program
 * connects to a local socket waits until then. False, with the reason, when
 * that is not possible. */
bool monitor_start(struct monitor *m, struct sentence *why);

/* Calls `ready` whenever a route's document, for which clients wait, is there.
 */
void monitor_on_ready(struct monitor *m, void (*ready)(void *arg), void *arg);

/* Applies from the next report on. NULL is allowed. */
void monitor_set_interval(struct monitor *m, uint32_t ms);

/* Reads files again that say who may watch. False, with the reason and nothing
 * changed, when that is not possible. NULL is allowed. */
bool monitor_reload(struct monitor *m, struct sentence *why);

/* Other users, borrowed for the call: those of the feed that may not watch any
 * more are disconnected. NULL is allowed. */
void monitor_set_users(struct monitor *m, struct users *users);

/* Call this before the core is freed. NULL is allowed. */
void monitor_free(struct monitor *m);

/* The broker is stopping: /readyz and the documents say so. NULL is allowed. */
void monitor_stop(struct monitor *m);

#endif
