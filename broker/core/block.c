/* SPDX-License-Identifier: MIT */
#include "broker/core/block.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* With what the allocator adds. */
enum { BLOCK_OWN_BYTES = sizeof(struct block) + 8 };

/* Buffers of the common size come from a short list of spare ones, last in
 * first out: a loaded broker goes round in few buffers that stay in the
 * processor's cache. Spare ones are not charged. */

void block_pool_init(struct block_pool *pool, struct budget *budget)
{
    *pool = (struct block_pool){.budget = budget};
}

void block_pool_fini(struct block_pool *pool)
{
    spares_clear(&pool->buffers);
    spares_clear(&pool->blocks);
}

static uint8_t *buffer_get(struct block_pool *pool, uint32_t capacity)
{
    uint8_t *p = capacity == BLOCK_BYTES ? spares_get(&pool->buffers) : NULL;
    if (!p)
        p = malloc(capacity);
    if (p)
        budget_charge(pool->budget, capacity);
    return p;
}

static void buffer_put(struct block_pool *pool, uint8_t *p, uint32_t capacity)
{
    budget_refund(pool->budget, capacity);
    uint32_t most =
        budget_is_short(pool->budget) ? BLOCK_SPARE_SHORT_MAX : BLOCK_SPARE_MAX;
    if (capacity == BLOCK_BYTES)
        spares_put(&pool->buffers, p, most);
    else
        free(p);
}

/* Its capacity or its account has changed. */
static void block_charge(struct block *b, int64_t bytes)
{
    if (b->account)
        b->account->bytes += (uint64_t)bytes;
}

void block_assign(struct block *b, struct account *account)
{
    block_charge(b, -(int64_t)b->capacity);
    b->account = account;
    block_charge(b, b->capacity);
}

static void block_set_capacity(struct block *b, uint32_t capacity)
{
    block_charge(b, (int64_t)capacity - b->capacity);
    b->capacity = capacity;
}

struct block *block_new(struct block_pool *pool, uint32_t capacity)
{
    struct block *b = spares_get(&pool->blocks);
    if (!b)
        b = malloc(sizeof *b);
    if (!b)
        return NULL;
    *b = (struct block){.refs = 1, .capacity = capacity, .pool = pool};
    b->bytes = buffer_get(pool, capacity);
    if (!b->bytes) {
        spares_put(&pool->blocks, b, BLOCK_SPARE_MAX);
        return NULL;
    }
    budget_charge(pool->budget, BLOCK_OWN_BYTES);
    return b;
}

void block_free(struct block *b)
{
    assert(b->refs == 0);
    block_seal(b);
    block_charge(b, -(int64_t)b->capacity);
    buffer_put(b->pool, b->bytes, b->capacity);
    budget_refund(b->pool->budget, BLOCK_OWN_BYTES);
    spares_put(&b->pool->blocks, b, BLOCK_SPARE_MAX);
}

/* A large buffer grows without being copied: the kernel moves its pages. */
static bool block_realloc(struct block *b, uint32_t capacity)
{
    uint8_t *p =
        budget_realloc(b->pool->budget, b->bytes, b->capacity, capacity);
    if (!p)
        return false;
    b->bytes = p;
    block_set_capacity(b, capacity);
    return true;
}

bool block_resize(struct block *b, uint32_t capacity)
{
    assert(capacity >= b->used);
    if (capacity == b->capacity)
        return true;
    if (capacity != BLOCK_BYTES && b->capacity != BLOCK_BYTES)
        return block_realloc(b, capacity);
    uint8_t *p = buffer_get(b->pool, capacity);
    if (!p)
        return false;
    memcpy(p, b->bytes, b->used);
    buffer_put(b->pool, b->bytes, b->capacity);
    b->bytes = p;
    block_set_capacity(b, capacity);
    return true;
}
