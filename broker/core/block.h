/* SPDX-License-Identifier: MIT
 *
 * block - memory in which messages lie one after another, shared by all
 * backlogs that still hold some of it.
 *
 *     bytes   0 ........ used ........ capacity
 *             written,    to be
 *             unchanged   written
 *
 * Written bytes never change; an open block may grow at its end, a sealed one
 * may not. The bytes may move when an open block grows or shrinks, so others
 * refer to them by block and offset, never by address.
 */
#ifndef SLUICE_CORE_BLOCK_H
#define SLUICE_CORE_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/budget.h"
#include "broker/base/spares.h"

enum {
    BLOCK_BYTES = 68 << 10, /* what an open block offers: 64 KiB and a head */
    BLOCK_SPARE_MAX = 48,   /* buffers of that size kept for the next one, */
    BLOCK_SPARE_SHORT_MAX = 8, /* and while memory is short */
    BLOCK_MIN_BYTES = 256,     /* what a held open block shrinks to, at least */
};

/* How much memory the blocks of one owner take. */
struct account {
    uint64_t bytes;
};

struct block {
    uint32_t refs;
    uint32_t used;
    uint32_t capacity;
    uint32_t held;       /* bytes of messages in ledgers */
    struct block **home; /* where the owner that appends refers to it;
                            NULL when sealed */
    struct block_pool *pool;
    struct account *account; /* charged for it; NULL when none is */
    uint8_t *bytes;
};

struct block_pool {
    struct budget *budget;
    struct spares buffers; /* of BLOCK_BYTES */
    struct spares blocks;
};

/* An empty pool; its blocks are charged to `budget`. */
void block_pool_init(struct block_pool *pool, struct budget *budget);

/* All blocks must be gone. */
void block_pool_fini(struct block_pool *pool);

/* A block with one reference and room for `capacity` bytes, BLOCK_BYTES being
 * the size that costs least; NULL when there is no memory. */
struct block *block_new(struct block_pool *pool, uint32_t capacity);

/* One more reference, which block_unref gives back. */
static inline struct block *block_ref(struct block *b)
{
    b->refs++;
    return b;
}

void block_free(struct block *b);

/* From now on `account`, which must outlive it, is charged for the block. */
void block_assign(struct block *b, struct account *account);

/* The last one frees the block and clears its home. */
static inline void block_unref(struct block *b)
{
    if (--b->refs == 0)
        block_free(b);
}

/* Changes the room of an open block; false when there is no memory, with
 * everything as it was. `capacity` is at least the bytes used. */
bool block_resize(struct block *b, uint32_t capacity);

/* Nothing is appended any more. */
static inline void block_seal(struct block *b)
{
    if (b->home)
        *b->home = NULL;
    b->home = NULL;
}

#endif
