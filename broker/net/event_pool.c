/* SPDX-License-Identifier: MIT */
#include "broker/net/event_pool.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    PIECE_BYTES = 16,       /* what libevent keeps of a descriptor */
    CHUNK_BYTES = 64 << 10, /* got from the system at once */
    HEAP_HEAD_BYTES = 16,   /* keeps the alignment of malloc */
};

/* The pool that an allocation came from; directly in front of the allocation.
 * NULL: the heap. */
struct head {
    struct event_pool *pool;
};

struct piece {
    struct head head;
    union {
        struct piece *next; /* while it is free */
        uint8_t bytes[PIECE_BYTES];
    };
};

struct chunk {
    struct chunk *next;
    struct piece pieces[];
};

struct event_pool {
    struct piece *free;
    struct chunk *chunks;
    size_t fresh; /* pieces of the first chunk that were never used */
};

static _Thread_local struct event_pool *in_use;

static bool event_pool_grow(struct event_pool *p)
{
    struct chunk *chunk = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED)
        return false;
    chunk->next = p->chunks;
    p->chunks = chunk;
    p->fresh = (CHUNK_BYTES - sizeof *chunk) / sizeof(struct piece);
    return true;
}

static struct piece *event_pool_take(struct event_pool *p)
{
    struct piece *piece = p->free;
    if (piece) {
        p->free = piece->next;
    } else if (p->fresh > 0 || event_pool_grow(p)) {
        piece = &p->chunks->pieces[--p->fresh];
        piece->head.pool = p;
    }
    return piece;
}

static struct head *head_of(void *p)
{
    return (struct head *)p - 1;
}

static void *heap_alloc(size_t bytes)
{
    uint8_t *whole = malloc(HEAP_HEAD_BYTES + bytes);
    if (!whole)
        return NULL;
    head_of(whole + HEAP_HEAD_BYTES)->pool = NULL;
    return whole + HEAP_HEAD_BYTES;
}

static void *pool_alloc(size_t bytes)
{
    struct piece *piece =
        in_use && bytes <= PIECE_BYTES ? event_pool_take(in_use) : NULL;
    return piece ? piece->bytes : heap_alloc(bytes);
}

static void pool_free(void *bytes)
{
    if (!bytes)
        return;
    struct event_pool *p = head_of(bytes)->pool;
    if (!p) {
        free((uint8_t *)bytes - HEAP_HEAD_BYTES);
        return;
    }
    struct piece *piece =
        (struct piece *)(void *)((uint8_t *)bytes -
                                 offsetof(struct piece, bytes));
    piece->next = p->free;
    p->free = piece;
}

static void *pool_realloc(void *old, size_t bytes)
{
    if (!old)
        return pool_alloc(bytes);
    if (!head_of(old)->pool) {
        uint8_t *whole =
            realloc((uint8_t *)old - HEAP_HEAD_BYTES, HEAP_HEAD_BYTES + bytes);
        return whole ? whole + HEAP_HEAD_BYTES : NULL;
    }
    if (bytes <= PIECE_BYTES)
        return old;
    void *larger = heap_alloc(bytes);
    if (!larger)
        return NULL;
    memcpy(larger, old, PIECE_BYTES);
    pool_free(old);
    return larger;
}

struct event_pool *event_pool_new(void)
{
    event_set_mem_functions(pool_alloc, pool_realloc, pool_free);
    return calloc(1, sizeof(struct event_pool));
}

void event_pool_free(struct event_pool *p)
{
    if (!p)
        return;
    while (p->chunks) {
        struct chunk *chunk = p->chunks;
        p->chunks = chunk->next;
        munmap(chunk, CHUNK_BYTES);
    }
    free(p);
}

void event_pool_use(struct event_pool *p)
{
    in_use = p;
}
