/* SPDX-License-Identifier: MIT
 *
 * The functions walk over all connections: there are a few hundred at most.
 */
#include "common/http_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool http_pool_init(struct http_pool *p, size_t max)
{
    assert(max > 0);
    *p = (struct http_pool){.max = max, .all = calloc(max, sizeof *p->all)};
    return p->all != NULL;
}

void http_pool_fini(struct http_pool *p)
{
    assert(p->count == 0);
    free(p->all);
}

/* Waiting, answers and streams are alike. */
static enum http_stage http_pool_rank(const struct http_connection *c)
{
    return c->stage < HTTP_WAITING ? c->stage : HTTP_WAITING;
}

/* The one that has to go; NULL while there is room. */
static struct http_connection *http_pool_victim(const struct http_pool *p)
{
    if (p->count < p->max)
        return NULL;
    struct http_connection *found = p->all[0];
    for (size_t i = 1; i < p->count; i++)
        if (http_pool_rank(p->all[i]) < http_pool_rank(found))
            found = p->all[i];
    return found;
}

void http_pool_make_room(struct http_pool *p,
                         bool (*read)(struct http_connection *c),
                         void (*close)(struct http_connection *c))
{
    struct http_connection *c;
    while ((c = http_pool_victim(p)) != NULL)
        if (c->stage > HTTP_ASKING || (read(c) && http_pool_victim(p) == c))
            close(c);
}

void http_pool_add(struct http_pool *p, struct http_connection *c)
{
    assert(p->count < p->max);
    p->all[p->count++] = c;
}

void http_pool_remove(struct http_pool *p, struct http_connection *c)
{
    size_t i = 0;
    while (p->all[i] != c)
        i++;
    p->count--;
    memmove(&p->all[i], &p->all[i + 1], (p->count - i) * sizeof *p->all);
}

struct http_connection *http_pool_due(const struct http_pool *p,
                                      uint32_t now_ms)
{
    for (size_t i = 0; i < p->count; i++)
        if (http_connection_left_ms(p->all[i], now_ms) == 0)
            return p->all[i];
    return NULL;
}

uint32_t http_pool_left_ms(const struct http_pool *p, uint32_t now_ms)
{
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < p->count; i++) {
        uint32_t left = http_connection_left_ms(p->all[i], now_ms);
        if (left < least)
            least = left;
    }
    return least;
}

size_t http_pool_streams(const struct http_pool *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        n += p->all[i]->stage == HTTP_STREAMING;
    return n;
}

size_t http_pool_bytes(const struct http_pool *p)
{
    size_t bytes = 0;
    for (size_t i = 0; i < p->count; i++)
        bytes += p->all[i]->out_room;
    return bytes;
}
