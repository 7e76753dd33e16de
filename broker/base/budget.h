/* SPDX-License-Identifier: MIT
 *
 * budget - the one place where the memory that clients cause is counted:
 * blocks, partial frames, outboxes, channels and sessions are allocated
 * through it. Sizes include the allocator's own overhead.
 */
#ifndef SLUICE_BASE_BUDGET_H
#define SLUICE_BASE_BUDGET_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget {
    uint64_t used_bytes;
    uint64_t peak_bytes;
    uint64_t promised_bytes; /* granted, and not used yet */
    uint64_t waste_bytes;    /* resident but not used; see footprint.h */
    uint64_t limit_bytes;    /* 0: none */
};

/* The memory in use, or counted as such. */
static inline uint64_t budget_level(const struct budget *b)
{
    return b->used_bytes + b->promised_bytes + b->waste_bytes;
}

static inline bool budget_has_room(const struct budget *b, uint64_t bytes)
{
    return b->limit_bytes == 0 || budget_level(b) + bytes <= b->limit_bytes;
}

/* Above 85 % the largest channels are put under pressure (core/pressure.h). */
static inline bool budget_is_short(const struct budget *b)
{
    return b->limit_bytes > 0 &&
           budget_level(b) >= b->limit_bytes - b->limit_bytes * 15 / 100;
}

/* These fail as malloc and realloc do: NULL, and nothing has changed. The
 * caller remembers the size and gives it back when it frees. */
void *budget_alloc(struct budget *b, size_t bytes);
void *budget_zalloc(struct budget *b, size_t bytes);
void *budget_realloc(struct budget *b, void *p, size_t old_bytes,
                     size_t new_bytes);

/* Counts memory as granted before it is allocated; budget_unpromise() takes the
 * promise back when the memory has been allocated, or will not be. */
static inline void budget_promise(struct budget *b, uint64_t bytes)
{
    b->promised_bytes += bytes;
}

/* Takes back a promise of as many bytes. */
static inline void budget_unpromise(struct budget *b, uint64_t bytes)
{
    assert(b->promised_bytes >= bytes);
    b->promised_bytes -= bytes;
}

/* NULL is allowed. */
void budget_free(struct budget *b, void *p, size_t bytes);

/* Counts memory that was obtained otherwise (a buffer out of a pool). */
void budget_charge(struct budget *b, size_t bytes);
void budget_refund(struct budget *b, size_t bytes);

#endif
