/* SPDX-License-Identifier: MIT */
#include "client/monitor/sse_clients.h"

#include "client/monitor/sse.h"

#include <stdlib.h>
#include <string.h>

bool sse_clients_has_room(const struct http_pool *pool)
{
    return http_pool_streams(pool) < SSE_CLIENTS_MAX;
}

/* The number of missed events goes before the next event that fits. */
static bool sse_clients_push_missed(struct http_connection *c, uint32_t now_ms)
{
    if (c->missed == 0)
        return true;
    char *event = sse_missed(c->missed);
    bool ok = event && http_connection_push(c, event, strlen(event), now_ms);
    free(event);
    if (ok)
        c->missed = 0;
    return ok;
}

void sse_clients_push(struct http_pool *pool, const char *event,
                      uint32_t now_ms)
{
    size_t n = strlen(event);
    for (size_t i = 0; i < pool->count; i++) {
        struct http_connection *c = pool->all[i];
        if (c->stage != HTTP_STREAMING)
            continue;
        if (!sse_clients_push_missed(c, now_ms) ||
            !http_connection_push(c, event, n, now_ms))
            c->missed++;
    }
}
