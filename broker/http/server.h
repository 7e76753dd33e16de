/* SPDX-License-Identifier: MIT
 *
 * http_server - answers HTTP on the broker's reactor: the sockets under the
 * connections of common/http_pool.h. The caller passes in the routes; the
 * server knows no document.
 */
#ifndef SLUICE_HTTP_SERVER_H
#define SLUICE_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/http_site.h"
#include "common/sentence.h"

struct counters;
struct http_server;
struct listener;
struct reactor;

/* Where an address without a port listens. */
#define HTTP_SERVER_PORT "25080"

enum {
    HTTP_SERVER_CONNECTIONS_MAX = 32,
    HTTP_SERVER_LIFE_MS = 5000,  /* of a connection, apart from a wait */
    HTTP_SERVER_WAIT_MS = 60000, /* for a document that is being made */
};

struct http_server_config {
    const struct http_route *routes;
    size_t route_count;
    void *arg;          /* of the routes' functions */
    char *const *names; /* valid in Host, like addresses and localhost */
    size_t name_count;
    size_t connections_max; /* at once; the newest replaces another */
};

/* The names are copied, everything else is borrowed. NULL when there is no
 * memory. */
struct http_server *http_server_new(struct reactor *r,
                                    struct counters *counters,
                                    const struct http_server_config *config);

/* Closes every connection. NULL is allowed. */
void http_server_free(struct http_server *s);

/* Begins to listen. False, with the reason, when that is not possible. */
bool http_server_listen(struct http_server *s, const char *address,
                        struct sentence *why);

/* Documents that were being made are there: answers those that wait for them.
 */
void http_server_resume(struct http_server *s);

/* The listeners of the server, for listener_next. */
const struct listener *http_server_listeners(const struct http_server *s);

#endif
