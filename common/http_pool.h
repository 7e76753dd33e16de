/* SPDX-License-Identifier: MIT
 *
 * http_pool - the connections of one HTTP server, up to a bound. A newcomer
 * takes the place of the one that is missed least: of those that have sent
 * nothing the oldest, else of those that have sent no whole head, else of those
 * that have their answer and need only close, else of those of which it is not
 * decided whether they are answered, else of all. So clients that
 * connect and say nothing, however many, cannot keep out one that asks.
 */
#ifndef SLUICE_COMMON_HTTP_POOL_H
#define SLUICE_COMMON_HTTP_POOL_H

#include "common/http_connection.h"

struct http_pool {
    size_t count, max;
    struct http_connection **all; /* borrowed; in the order of accepting */
};

/* False when there is no memory. */
bool http_pool_init(struct http_pool *p, size_t max);

/* It must be empty. */
void http_pool_fini(struct http_pool *p);

/* Has connections closed until there is room for one more. Each that would have
 * to go while it has sent no whole head is read first, because its request may
 * be waiting: `read` returns false when it has closed and removed the
 * connection, as `close` does. */
void http_pool_make_room(struct http_pool *p,
                         bool (*read)(struct http_connection *c),
                         void (*close)(struct http_connection *c));

/* There must be room. */
void http_pool_add(struct http_pool *p, struct http_connection *c);

/* It must have been added. */
void http_pool_remove(struct http_pool *p, struct http_connection *c);

/* A connection whose time is over; NULL when there is none. */
struct http_connection *http_pool_due(const struct http_pool *p,
                                      uint32_t now_ms);

/* Milliseconds until there is such a connection; UINT32_MAX when no connection
 * has a limit at present. */
uint32_t http_pool_left_ms(const struct http_pool *p, uint32_t now_ms);

/* The bytes that streams have unsent, as far as they take memory. */
size_t http_pool_bytes(const struct http_pool *p);

/* How many are STREAMING. */
size_t http_pool_streams(const struct http_pool *p);

#endif
