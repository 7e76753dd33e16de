/* SPDX-License-Identifier: MIT */
#include "broker/core/backlog.h"

#include <assert.h>
#include <string.h>

enum {
    JOIN_MS = 100, /* slices further apart in time stay apart: age matters, */
    GATHER_FIRST_BYTES = 4 << 10,
    GATHER_GROWTH = 4,
    JOIN_COUNT = 256, /* until there are so many that memory matters more */
};

const struct backlog backlog_none = {.ring = NULL};

void backlog_free(struct backlog **b, struct budget *budget)
{
    budget_free(budget, *b, BACKLOG_OWN_BYTES);
    *b = BACKLOG_NONE;
}

static void backlog_move(struct backlog *b, struct budget *budget,
                         struct slice *ring, uint32_t capacity)
{
    for (uint32_t i = 0; i < b->count; i++)
        ring[i] = *backlog_at(b, i);
    if (b->ring != b->first)
        budget_free(budget, b->ring, b->capacity * sizeof *ring);
    b->ring = ring;
    b->capacity = capacity;
    b->head = 0;
}

bool backlog_grow(struct backlog *b, struct budget *budget)
{
    if (b->count < b->capacity)
        return true;
    if (b->capacity > UINT32_MAX / 4)
        return false;
    uint32_t capacity = b->capacity * 2;
    struct slice *ring = budget_alloc(budget, capacity * sizeof *ring);
    if (!ring)
        return false;
    backlog_move(b, budget, ring, capacity);
    return true;
}

/* Leaves at least twice the slots in use, or the ring would soon grow again; an
 * empty backlog always returns to the first ring. */
void backlog_shrink(struct backlog *b, struct budget *budget)
{
    if (b->ring == b->first || b->count > b->capacity / 8)
        return;
    uint32_t capacity = b->capacity / 4;
    struct slice *ring = b->first;
    if (b->count > 0 && capacity > BACKLOG_FIRST)
        ring = budget_alloc(budget, capacity * sizeof *ring);
    else
        capacity = BACKLOG_FIRST;
    if (ring)
        backlog_move(b, budget, ring, capacity);
}

static bool backlog_join(struct backlog *b, const struct slice *s)
{
    if (b->count == 0)
        return false;
    struct slice *last = backlog_at(b, b->count - 1);
    if (last->block != s->block || last->offset + last->length != s->offset ||
        last->first + last->messages != s->first || last->has_text ||
        s->has_text || last->tries != s->tries ||
        last->is_dressed != s->is_dressed ||
        (b->count < JOIN_COUNT && clock_elapsed_ms(s->at, last->at) > JOIN_MS))
        return false;
    last->length += s->length;
    last->messages = (uint16_t)(last->messages + s->messages);
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

/* The block that the last message ends, with room for `n` bytes more; NULL when
 * there is no such room and none can be made. Blocks begin small: a consumer
 * that takes nothing is given little. */
static struct block *backlog_gather_block(struct backlog *b, uint32_t n,
                                          uint64_t number)
{
    if (b->count == 0)
        return NULL;
    struct slice *last = backlog_at(b, b->count - 1);
    struct block *block = last->block;
    uint32_t end = last->offset + last->length;
    if (block->refs != 1 || block->home || block->used != end ||
        last->has_text || last->tries > 0 ||
        (number > 0 && last->first + last->messages != number))
        return NULL;
    if (block->capacity - end >= n)
        return block;
    uint32_t capacity = block->capacity * GATHER_GROWTH;
    if (capacity > BLOCK_BYTES / 2) /* near enough to the size that is pooled */
        capacity = BLOCK_BYTES;
    if (capacity < end + n || !block_resize(block, capacity))
        return NULL;
    return block;
}

bool backlog_gather(struct backlog *b, struct budget *budget,
                    struct block_pool *pool, struct account *account,
                    const uint8_t *message, uint32_t n, clock_ms at,
                    uint64_t number)
{
    struct block *block = backlog_gather_block(b, n, number);
    if (block) {
        struct slice *last = backlog_at(b, b->count - 1);
        /* Of memcpy, with callers that only bring short ones, compilers make
         * a string instruction, which takes longer than the library does. */
        memmove(block->bytes + block->used, message, n);
        block->used += n;
        last->length += n;
        last->messages++;
        b->bytes += n;
        b->messages++;
        return true;
    }
    block = block_new(pool, n > GATHER_FIRST_BYTES ? n : GATHER_FIRST_BYTES);
    if (!block)
        return false;
    block_assign(block, account);
    memcpy(block->bytes, message, n);
    block->used = n;
    struct slice s = {
        .block = block, .length = n, .at = at, .messages = 1, .first = number};
    bool is_pushed = backlog_push(b, budget, &s);
    block_unref(block);
    return is_pushed;
}

bool backlog_push_front(struct backlog *b, struct budget *budget,
                        const struct slice *s)
{
    assert(b->sent == 0);
    if (!backlog_grow(b, budget))
        return false;
    b->head = (b->head - 1) & (b->capacity - 1);
    b->count++;
    uint32_t i = 0;
    for (; i + 1 < b->count && backlog_at(b, i + 1)->first < s->first; i++)
        *backlog_at(b, i) = *backlog_at(b, i + 1);
    *backlog_at(b, i) = *s;
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
    taken.messages = (uint16_t)messages;
    b->bytes -= length;
    b->messages -= messages;
    if (length == first->length) {
        backlog_drop_first(b);
        backlog_shrink(b, budget);
    } else {
        first->offset += length;
        first->length -= length;
        first->messages = (uint16_t)(first->messages - messages);
        first->first += messages;
        block_ref(taken.block);
    }
    return taken;
}

struct slice backlog_take_last(struct backlog *b, struct budget *budget)
{
    struct slice last = *backlog_at(b, b->count - 1);
    assert(b->sent == 0);
    b->count--;
    b->bytes -= last.length;
    b->messages -= last.messages;
    backlog_shrink(b, budget);
    return last;
}

void backlog_skip(struct backlog *b, struct budget *budget, uint32_t n)
{
    struct slice *first = backlog_first(b);
    assert(b->sent == 0 && n <= first->length);
    first->offset += n;
    first->length -= n;
    first->messages--;
    first->first++;
    b->bytes -= n;
    b->messages--;
    if (first->length > 0)
        return;
    block_unref(first->block);
    backlog_drop_first(b);
    backlog_shrink(b, budget);
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
    if (b->ring != b->first)
        backlog_shrink(b, budget);
    return messages;
}

uint32_t backlog_forget_sent(struct backlog *b, message_size_fn *size)
{
    uint32_t messages = 0;
    if (b->sent == 0)
        return 0;
    struct slice *head = backlog_first(b);
    uint32_t n;
    while ((n = slice_message_size(head, size, slice_bytes(head))) <= b->sent) {
        head->offset += n;
        head->length -= n;
        b->sent -= n;
        messages++;
    }
    head->messages = (uint16_t)(head->messages - messages);
    head->first += messages;
    b->messages -= messages;
    return messages;
}

void backlog_clear(struct backlog *b, struct budget *budget)
{
    if (b->count == 0)
        return;
    for (uint32_t i = 0; i < b->count; i++)
        block_unref(backlog_at(b, i)->block);
    b->count = b->sent = b->pledged = 0;
    b->bytes = b->messages = 0;
    backlog_shrink(b, budget);
}

void backlog_release(struct backlog **b, struct budget *budget)
{
    backlog_clear(*b, budget);
    if (*b != BACKLOG_NONE)
        (*b)->told = (*b)->offered;
    backlog_disown(b, budget);
}
