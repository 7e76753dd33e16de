/* SPDX-License-Identifier: MIT */
#include "broker/core/block.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Buffers of the common size come from a short list of spare ones, last in
 * first out: a loaded broker goes round in few buffers that stay in the
 * processor's cache. Spare ones are not charged. */

void block_pool_init(struct block_pool *pool, struct budget *budget)
{
    *pool = (struct block_pool){.budget = budget};
}

void block_pool_fini(struct block_pool *pool)
{
    while (pool->spare) {
        void *p = pool->spare;
        memcpy(&pool->spare, p, sizeof pool->spare);
        free(p);
    }
    pool->spare_count = 0;
}

static uint8_t *buffer_get(struct block_pool *pool, uint32_t capacity)
{
    uint8_t *p;
    if (capacity == BLOCK_BYTES && pool->spare) {
        p = pool->spare;
        memcpy(&pool->spare, p, sizeof pool->spare);
        pool->spare_count--;
    } else {
        p = malloc(capacity);
    }
    if (p)
        budget_charge(pool->budget, capacity);
    return p;
}

static void buffer_put(struct block_pool *pool, uint8_t *p, uint32_t capacity)
{
    budget_refund(pool->budget, capacity);
    uint32_t most =
        budget_is_short(pool->budget) ? BLOCK_SPARE_SHORT_MAX : BLOCK_SPARE_MAX;
    if (capacity != BLOCK_BYTES || pool->spare_count >= most) {
        free(p);
        return;
    }
    memcpy(p, &pool->spare, sizeof pool->spare);
    pool->spare = p;
    pool->spare_count++;
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
    struct block *b = budget_alloc(pool->budget, sizeof *b);
    if (!b)
        return NULL;
    *b = (struct block){.refs = 1, .capacity = capacity, .pool = pool};
    b->bytes = buffer_get(pool, capacity);
    if (!b->bytes) {
        budget_free(pool->budget, b, sizeof *b);
        return NULL;
    }
    return b;
}

void block_free(struct block *b)
{
    assert(b->refs == 0);
    block_seal(b);
    block_charge(b, -(int64_t)b->capacity);
    buffer_put(b->pool, b->bytes, b->capacity);
    budget_free(b->pool->budget, b, sizeof *b);
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
