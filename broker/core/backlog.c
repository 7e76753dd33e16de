/* SPDX-License-Identifier: MIT */
#include "broker/core/backlog.h"

#include <assert.h>

enum {
    RING_MIN = 8,
    JOIN_MS = 100, /* slices further apart in time stay apart: age matters */
};

static bool backlog_grow(struct backlog *b, struct budget *budget)
{
    if (b->count < b->capacity)
        return true;
    if (b->capacity > UINT32_MAX / 4)
        return false;
    uint32_t capacity = b->capacity ? b->capacity * 2 : RING_MIN;
    struct slice *ring = budget_alloc(budget, capacity * sizeof *ring);
    if (!ring)
        return false;
    for (uint32_t i = 0; i < b->count; i++)
        ring[i] = *backlog_at(b, i);
    budget_free(budget, b->ring, b->capacity * sizeof *ring);
    b->ring = ring;
    b->capacity = capacity;
    b->head = 0;
    return true;
}

/* Memory follows what is held: a ring that was large once is given back as
 * it empties, at a size that growing again at once would not pay for. */
static void backlog_shrink(struct backlog *b, struct budget *budget)
{
    uint32_t capacity = 0;
    if (b->count > 0) {
        if (b->capacity <= 4 * RING_MIN || b->count > b->capacity / 8)
            return;
        capacity = b->capacity / 4;
    }
    struct slice *ring = NULL;
    if (capacity > 0) {
        ring = budget_alloc(budget, capacity * sizeof *ring);
        if (!ring)
            return;
        for (uint32_t i = 0; i < b->count; i++)
            ring[i] = *backlog_at(b, i);
    }
    budget_free(budget, b->ring, b->capacity * sizeof *ring);
    b->ring = ring;
    b->capacity = capacity;
    b->head = 0;
}

static bool backlog_join(struct backlog *b, const struct slice *s)
{
    if (b->count == 0)
        return false;
    struct slice *last = backlog_at(b, b->count - 1);
    if (last->block != s->block || last->offset + last->length != s->offset ||
        clock_elapsed_ms(s->at, last->at) > JOIN_MS)
        return false;
    last->length += s->length;
    last->messages += s->messages;
    return true;
}

bool backlog_push(struct backlog *b, struct budget *budget,
                  const struct slice *s)
{
    if (!backlog_join(b, s)) {
        if (!backlog_grow(b, budget))
            return false;
        *backlog_at(b, b->count++) = *s;
        block_ref(s->block);
    }
    b->bytes += s->length;
    b->messages += s->messages;
    return true;
}

bool backlog_push_front(struct backlog *b, struct budget *budget,
                        const struct slice *s)
{
    assert(b->sent == 0);
    if (!backlog_grow(b, budget))
        return false;
    b->head = (b->head - 1) & (b->capacity - 1);
    b->ring[b->head] = *s;
    b->count++;
    block_ref(s->block);
    b->bytes += s->length;
    b->messages += s->messages;
    return true;
}

static void backlog_drop_first(struct backlog *b)
{
    b->head = (b->head + 1) & (b->capacity - 1);
    b->count--;
    b->sent = 0;
}

struct slice backlog_take(struct backlog *b, struct budget *budget,
                          uint32_t length, uint32_t messages)
{
    struct slice *first = backlog_first(b);
    struct slice taken = *first;
    assert(b->sent == 0 && length <= first->length);
    taken.length = length;
    taken.messages = messages;
    b->bytes -= length;
    b->messages -= messages;
    if (length == first->length) {
        backlog_drop_first(b);
        backlog_shrink(b, budget);
    } else {
        first->offset += length;
        first->length -= length;
        first->messages -= messages;
        block_ref(taken.block);
    }
    return taken;
}

int backlog_iov(const struct backlog *b, struct iovec *iov, int max,
                size_t *bytes)
{
    int n = 0;
    *bytes = 0;
    uint32_t skip = b->sent;
    for (uint32_t i = 0; i < b->count; i++, skip = 0) {
        const struct slice *s = backlog_at(b, i);
        uint8_t *start = s->block->bytes + s->offset + skip;
        size_t length = s->length - skip;
        bool follows =
            n > 0 &&
            (uint8_t *)iov[n - 1].iov_base + iov[n - 1].iov_len == start;
        if (follows)
            iov[n - 1].iov_len += length;
        else if (n < max)
            iov[n++] = (struct iovec){start, length};
        else
            break;
        *bytes += length;
    }
    return n;
}

uint32_t backlog_consume(struct backlog *b, struct budget *budget,
                         uint64_t bytes)
{
    uint32_t messages = 0;
    assert(bytes <= b->bytes);
    b->bytes -= bytes;
    bytes += b->sent;
    while (b->count > 0 && bytes >= backlog_first(b)->length) {
        struct slice *first = backlog_first(b);
        bytes -= first->length;
        messages += first->messages;
        block_unref(first->block);
        backlog_drop_first(b);
    }
    b->sent = (uint32_t)bytes;
    b->messages -= messages;
    backlog_shrink(b, budget);
    return messages;
}

void backlog_clear(struct backlog *b, struct budget *budget)
{
    for (uint32_t i = 0; i < b->count; i++)
        block_unref(backlog_at(b, i)->block);
    budget_free(budget, b->ring, b->capacity * sizeof *b->ring);
    *b = (struct backlog){0};
}
