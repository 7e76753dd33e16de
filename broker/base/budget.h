/* SPDX-License-Identifier: MIT
 *
 * budget - the one place where the memory that clients cause is counted:
 * blocks, partial frames, outboxes, channels and sessions are allocated
 * through it. Sizes are those really held, the allocator's own overhead
 * included.
 */
#ifndef SLUICE_BASE_BUDGET_H
#define SLUICE_BASE_BUDGET_H

#include <stddef.h>
#include <stdint.h>

struct budget {
    uint64_t used_bytes;
    uint64_t peak_bytes;
};

/* These fail as malloc and realloc do: NULL, and nothing has changed. The
 * caller remembers the size and gives it back when it frees. */
void *budget_alloc(struct budget *b, size_t bytes);
void *budget_zalloc(struct budget *b, size_t bytes);
void *budget_realloc(struct budget *b, void *p, size_t old_bytes,
                     size_t new_bytes);

/* NULL is allowed. */
void budget_free(struct budget *b, void *p, size_t bytes);

/* Counts memory that was obtained otherwise (a buffer out of a pool). */
void budget_charge(struct budget *b, size_t bytes);
void budget_refund(struct budget *b, size_t bytes);

#endif
