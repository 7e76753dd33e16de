/* SPDX-License-Identifier: MIT
 *
 * sse_clients - the browsers that listen to server-sent events: the streams of
 * the HTTP server's connections. One that does not read is not waited for: it
 * misses the events that do not fit into its bounded output, and receives their
 * number when it reads again.
 */
#ifndef SLUICE_CLIENT_MONITOR_SSE_CLIENTS_H
#define SLUICE_CLIENT_MONITOR_SSE_CLIENTS_H

#include "common/http_pool.h"

enum { SSE_CLIENTS_MAX = 500, SSE_CLIENTS_UNSENT_MAX = 1 << 20 };

/* Whether there may be one more. */
bool sse_clients_has_room(const struct http_pool *pool);

/* Adds one event to the output of every browser. */
void sse_clients_push(struct http_pool *pool, const char *event,
                      uint32_t now_ms);

#endif
