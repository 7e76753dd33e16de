/* SPDX-License-Identifier: MIT */
#include "broker/base/budget.h"

#include <assert.h>
#include <stdlib.h>

/* What glibc's malloc adds to a request, near enough. */
enum { ALLOCATOR_OVERHEAD_BYTES = 8 };

void budget_charge(struct budget *b, size_t bytes)
{
    b->used_bytes += bytes;
    if (b->used_bytes > b->peak_bytes)
        b->peak_bytes = b->used_bytes;
}

void budget_refund(struct budget *b, size_t bytes)
{
    assert(b->used_bytes >= bytes);
    b->used_bytes -= bytes;
}

void *budget_alloc(struct budget *b, size_t bytes)
{
    void *p = malloc(bytes);
    if (p)
        budget_charge(b, bytes + ALLOCATOR_OVERHEAD_BYTES);
    return p;
}

void *budget_zalloc(struct budget *b, size_t bytes)
{
    void *p = calloc(1, bytes);
    if (p)
        budget_charge(b, bytes + ALLOCATOR_OVERHEAD_BYTES);
    return p;
}

void *budget_realloc(struct budget *b, void *p, size_t old_bytes,
                     size_t new_bytes)
{
    if (!p)
        return budget_alloc(b, new_bytes);
    void *q = realloc(p, new_bytes);
    if (!q)
        return NULL;
    budget_refund(b, old_bytes);
    budget_charge(b, new_bytes);
    return q;
}

void budget_free(struct budget *b, void *p, size_t bytes)
{
    if (!p)
        return;
    budget_refund(b, bytes + ALLOCATOR_OVERHEAD_BYTES);
    free(p);
}
