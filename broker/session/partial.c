/* SPDX-License-Identifier: MIT */
#include "broker/session/partial.h"

#include <assert.h>
#include <string.h>

struct partial *partial_new(struct budget *budget, const uint8_t *head,
                            size_t n)
{
    assert(n > 0 && n <= PARTIAL_UNREAD_MAX);
    struct partial *p = budget_alloc(budget, sizeof *p + n);
    if (!p)
        return NULL;
    *p = (struct partial){.head_bytes = (uint32_t)n};
    memcpy(p->head, head, n);
    return p;
}

void partial_free(struct partial *p, struct budget *budget)
{
    if (!p)
        return;
    if (p->body)
        block_unref(p->body);
    partial_break_promise(p, budget);
    if (p->is_secret)
        explicit_bzero(p->head, p->head_bytes);
    budget_free(budget, p, sizeof *p + p->head_bytes);
}

bool partial_begin_body(struct partial *p, struct block_pool *pool,
                        const uint8_t *bytes, size_t n, uint32_t body_bytes)
{
    assert(!p->body && n < body_bytes);
    uint32_t capacity =
        n > PARTIAL_START_BYTES ? (uint32_t)n : PARTIAL_START_BYTES;
    p->body = block_new(pool, capacity);
    if (!p->body)
        return false;
    p->body_bytes = body_bytes;
    return partial_feed(p, bytes, n) >= 0;
}

/* Uses a part of what the budget promised. */
static void partial_use_promise(struct partial *p, uint32_t bytes)
{
    uint32_t n = bytes < p->promised_bytes ? bytes : p->promised_bytes;
    p->promised_bytes -= n;
    budget_unpromise(p->body->pool->budget, n);
}

/* Doubles, so that a body is moved a bounded number of times, but never beyond
 * the size of the whole message. */
static bool partial_grow(struct partial *p, size_t wanted)
{
    struct block *b = p->body;
    if (wanted <= b->capacity)
        return true;
    uint64_t capacity = (uint64_t)b->capacity * 2;
    if (capacity < wanted)
        capacity = wanted;
    if (capacity > p->body_bytes)
        capacity = p->body_bytes;
    uint32_t grown = (uint32_t)capacity - b->capacity;
    if (!block_resize(b, (uint32_t)capacity))
        return false;
    partial_use_promise(p, grown);
    return true;
}

uint32_t partial_lacks(const struct partial *p)
{
    if (!p->body || p->body->capacity >= p->body_bytes)
        return 0;
    return p->body_bytes - p->body->capacity - p->promised_bytes;
}

void partial_promise(struct partial *p, struct budget *budget)
{
    uint32_t lacks = partial_lacks(p);
    p->promised_bytes += lacks;
    budget_promise(budget, lacks);
}

void partial_break_promise(struct partial *p, struct budget *budget)
{
    budget_unpromise(budget, p->promised_bytes);
    p->promised_bytes = 0;
}

size_t partial_room(struct partial *p, uint8_t **at, size_t max)
{
    struct block *b = p->body;
    if (b->used == b->capacity && !partial_grow(p, (size_t)b->used + 1))
        return 0;
    size_t room = b->capacity - b->used;
    *at = b->bytes + b->used;
    return room < max ? room : max;
}

void partial_filled(struct partial *p, size_t n)
{
    p->body->used += (uint32_t)n;
    assert(p->body->used <= p->body->capacity);
}

int64_t partial_feed(struct partial *p, const uint8_t *bytes, size_t n)
{
    struct block *b = p->body;
    size_t lack = p->body_bytes - b->used;
    if (n > lack)
        n = lack;
    if (!partial_grow(p, b->used + n))
        return -1;
    memcpy(b->bytes + b->used, bytes, n);
    b->used += (uint32_t)n;
    return (int64_t)n;
}
