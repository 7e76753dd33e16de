/* SPDX-License-Identifier: MIT
 *
 * http_server - answers HTTP on the broker's reactor: the sockets under the
 * connections of common/http_pool.h, with TLS or without, for all or for those
 * that a guard admits. The caller passes in the routes; the server knows no
 * document.
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
struct log;
struct reactor;
struct tls;
struct tries;
struct users;

enum {
    HTTP_SERVER_CONNECTIONS_MAX = 32,
    HTTP_SERVER_DOORS_MAX = 16,  /* calls of http_server_listen */
    HTTP_SERVER_LIFE_MS = 5000,  /* of a connection, apart from a wait */
    HTTP_SERVER_WAIT_MS = 60000, /* for a document that is being made */
};

/* What is demanded of those that connect at an address. */
struct http_demands {
    bool may_use_tls; /* one that begins with TLS is answered in TLS */
    bool must_use_tls;
    bool must_be_known; /* if there are users */
};

struct http_server_config {
    struct log *log;     /* for faults of TLS */
    struct tls *tls;     /* NULL: nobody speaks TLS */
    struct tries *tries; /* of those who show who they are; NULL: nobody has to
                            be known */
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
                        struct http_demands demands, struct sentence *why);

/* Takes an owner of `users`, by whom those are judged that must be known. If
 * there were none before, needs memory: false, and nothing is taken, without.
 */
bool http_server_set_users(struct http_server *s, struct users *users);

/* Documents that were being made are there: answers those that wait for them.
 */
void http_server_resume(struct http_server *s);

/* The listeners of the server, for listener_next. */
const struct listener *http_server_listeners(const struct http_server *s);

#endif
