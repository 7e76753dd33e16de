/* SPDX-License-Identifier: MIT
 *
 * monitor - everything the broker sends to its watchers: reports to ZeroMQ
 * collectors, a feed for ZeroMQ subscribers, documents for an HTTP server. Each
 * is off unless configured, runs in the broker's loop, and never blocks it.
 */
#ifndef SLUICE_MONITOR_MONITOR_H
#define SLUICE_MONITOR_MONITOR_H

#include <stddef.h>
#include <stdint.h>

struct broker_view;
struct http_route;
struct monitor;
struct sentence;

enum {
    MONITOR_DESCRIPTORS = 64, /* for HTTP clients and libzmq itself */
};

struct monitor_list {
    char *const *items;
    size_t count;
};

struct monitor_config {
    struct monitor_list connects, binds; /* ZeroMQ endpoints */
    uint64_t taps_per_second;
};

/* The routes to be served over HTTP: `count` rows, whose functions take the
 * monitor. A constant. */
const struct http_route *monitor_routes(size_t *count);

/* Opens everything that is configured. Texts are copied; everything else that
 * `broker` points at is borrowed. NULL, with the reason, when that is not
 * possible. */
struct monitor *monitor_new(const struct monitor_config *config,
                            const struct broker_view *broker,
                            struct sentence *why);

/* Calls `ready` whenever a route's document, for which clients wait, is there.
 */
void monitor_on_ready(struct monitor *m, void (*ready)(void *arg), void *arg);

/* Applies from the next report on. NULL is allowed. */
void monitor_set_interval(struct monitor *m, uint32_t ms);

/* Call this before the core is freed. NULL is allowed. */
void monitor_free(struct monitor *m);

/* The broker is stopping: /readyz and the documents say so. NULL is allowed. */
void monitor_stop(struct monitor *m);

#endif
