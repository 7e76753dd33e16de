/* SPDX-License-Identifier: MIT */
#include "broker/session/inbox.h"

#include <assert.h>
#include <string.h>

enum { BODY_START_BYTES = 512 };

const struct inbox inbox_none = {.tail = NULL};

bool inbox_own(struct inbox **in, struct budget *budget)
{
    if (*in != &inbox_none)
        return true;
    struct inbox *own = budget_zalloc(budget, sizeof *own);
    if (own)
        *in = own;
    return own != NULL;
}

bool inbox_keep(struct inbox *in, struct budget *budget, const uint8_t *bytes,
                size_t n)
{
    assert(!in->tail && n <= INBOX_TAIL_MAX);
    if (n == 0)
        return true;
    in->tail = budget_alloc(budget, n);
    if (!in->tail)
        return false;
    memcpy(in->tail, bytes, n);
    in->tail_bytes = (uint32_t)n;
    return true;
}

/* What was promised is used now. */
static void inbox_use_promise(struct inbox *in, uint32_t bytes)
{
    uint32_t n = bytes < in->promised_bytes ? bytes : in->promised_bytes;
    in->promised_bytes -= n;
    budget_unpromise(in->body->pool->budget, n);
}

/* Doubling, so that a body is moved a bounded number of times, but never
 * beyond what it will have. */
static bool inbox_grow(struct inbox *in, size_t wanted)
{
    struct block *b = in->body;
    if (wanted <= b->capacity)
        return true;
    uint64_t capacity = (uint64_t)b->capacity * 2;
    if (capacity < wanted)
        capacity = wanted;
    if (capacity > in->body_bytes)
        capacity = in->body_bytes;
    uint32_t grown = (uint32_t)capacity - b->capacity;
    if (!block_resize(b, (uint32_t)capacity))
        return false;
    inbox_use_promise(in, grown);
    return true;
}

uint32_t inbox_lacks(const struct inbox *in)
{
    if (!in->body || in->body->capacity >= in->body_bytes)
        return 0;
    return in->body_bytes - in->body->capacity - in->promised_bytes;
}

uint32_t inbox_promise(struct inbox *in, struct budget *budget)
{
    uint32_t lacks = inbox_lacks(in);
    in->promised_bytes += lacks;
    budget_promise(budget, lacks);
    return lacks;
}

bool inbox_begin(struct inbox *in, struct budget *budget,
                 struct block_pool *pool, const uint8_t *name_frame,
                 size_t name_frame_bytes, const uint8_t *bytes, size_t n,
                 uint32_t body_bytes)
{
    assert(!in->body && n < body_bytes);
    uint32_t capacity = n > BODY_START_BYTES ? (uint32_t)n : BODY_START_BYTES;
    if (!inbox_keep(in, budget, name_frame, name_frame_bytes))
        return false;
    in->body = block_new(pool, capacity);
    if (!in->body)
        return false;
    in->body_bytes = body_bytes;
    return inbox_feed(in, bytes, n) >= 0;
}

size_t inbox_room(struct inbox *in, uint8_t **at, size_t max)
{
    struct block *b = in->body;
    if (!b)
        return 0;
    if (b->used == b->capacity && !inbox_grow(in, (size_t)b->used + 1))
        return 0;
    size_t room = b->capacity - b->used;
    *at = b->bytes + b->used;
    return room < max ? room : max;
}

void inbox_filled(struct inbox *in, size_t n)
{
    in->body->used += (uint32_t)n;
    assert(in->body->used <= in->body->capacity);
}

int64_t inbox_feed(struct inbox *in, const uint8_t *bytes, size_t n)
{
    struct block *b = in->body;
    size_t lack = in->body_bytes - b->used;
    if (n > lack)
        n = lack;
    if (!inbox_grow(in, b->used + n))
        return -1;
    memcpy(b->bytes + b->used, bytes, n);
    b->used += (uint32_t)n;
    return (int64_t)n;
}

void inbox_break_promise(struct inbox *in, struct budget *budget)
{
    budget_unpromise(budget, in->promised_bytes);
    in->promised_bytes = 0;
}

void inbox_clear(struct inbox *in, struct budget *budget)
{
    budget_free(budget, in->tail, in->tail_bytes);
    if (in->body)
        block_unref(in->body);
    inbox_break_promise(in, budget);
    *in = (struct inbox){0};
}

void inbox_release(struct inbox **in, struct budget *budget)
{
    if (*in == &inbox_none)
        return;
    inbox_clear(*in, budget);
    budget_free(budget, *in, sizeof **in);
    *in = INBOX_NONE;
}
