/* SPDX-License-Identifier: MIT
 *
 * http - a small server for documents that are made when somebody asks: one
 * GET or HEAD per connection, no bodies, nothing that changes anything. It
 * never waits for anybody: a connection has HTTP_LIFE_MS in all, and when
 * there are too many the oldest is closed.
 */
#ifndef SLUICE_MONITOR_HTTP_H
#define SLUICE_MONITOR_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/http_head.h"

struct counters;
struct http;
struct listener;
struct reactor;

/* Where an address without a port listens. */
#define HTTP_DEFAULT_PORT "25080"

enum { HTTP_CLIENTS_MAX = 32, HTTP_LIFE_MS = 5000, HTTP_ERROR_BYTES = 512 };

/* A document: `write` makes it and says with which status it goes out. */
struct http_route {
    const char *path, *type;
    enum http_status (*write)(void *arg, FILE *out);
};

struct http_config {
    const struct http_route *routes;
    size_t route_count;
    void *arg;          /* of the routes */
    char *const *names; /* under which it may be asked, beside addresses */
    size_t name_count;
};

/* All pointers are borrowed. NULL when there is no memory. */
struct http *http_new(struct reactor *r, struct counters *counters,
                      const struct http_config *config);

void http_free(struct http *h); /* NULL is allowed */

/* Begins to listen. False with one sentence in `error` when that is not
 * possible. */
bool http_listen(struct http *h, const char *address,
                 char error[HTTP_ERROR_BYTES]);

/* All it listens on, for listener_next. */
const struct listener *http_listeners(const struct http *h);

#endif
