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

static size_t own_bytes(void)
{
    return sizeof(struct backlog) + BACKLOG_FIRST * sizeof(struct slice);
}

bool backlog_own(struct backlog **b, struct budget *budget)
{
    if (*b != &backlog_none)
        return true;
    struct backlog *own = budget_alloc(budget, own_bytes());
    if (!own)
        return false;
    *own = (struct backlog){.ring = own->first, .capacity = BACKLOG_FIRST};
    *b = own;
    return true;
}

void backlog_disown(struct backlog **b, struct budget *budget)
{
    if (*b == &backlog_none || (*b)->count > 0)
        return;
    assert((*b)->ring == (*b)->first);
    budget_free(budget, *b, own_bytes());
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

static bool backlog_grow(struct backlog *b, struct budget *budget)
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

/* Memory follows what is held: a ring that was large once is given back as
 * it empties, at a size that growing again at once would not pay for. */
static void backlog_shrink(struct backlog *b, struct budget *budget)
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
        (b->count < JOIN_COUNT && clock_elapsed_ms(s->at, last->at) > JOIN_MS))
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

/* The block that the last message ends, if there is room in it for `n` bytes
 * more or it can be made; NULL if not. Blocks begin small: a consumer that
 * takes nothing is given little. */
static struct block *backlog_gather_block(struct backlog *b, uint32_t n)
{
    if (b->count == 0)
        return NULL;
    struct slice *last = backlog_at(b, b->count - 1);
    struct block *block = last->block;
    uint32_t end = last->offset + last->length;
    if (block->refs != 1 || block->home || block->used != end)
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
                    const uint8_t *message, uint32_t n, clock_ms at)
{
    struct block *block = backlog_gather_block(b, n);
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
    struct slice s = {block, 0, n, 1, at};
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

void backlog_skip(struct backlog *b, struct budget *budget, uint32_t n)
{
    struct slice *first = backlog_first(b);
    assert(b->sent == 0 && n <= first->length);
    first->offset += n;
    first->length -= n;
    first->messages--;
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
    backlog_shrink(b, budget);
    return messages;
}

static const uint8_t *slice_bytes(const struct slice *s)
{
    return s->block->bytes + s->offset;
}

uint32_t backlog_settle(struct backlog *b, message_size_fn *size)
{
    uint32_t messages = 0;
    if (b->sent == 0)
        return 0;
    struct slice *head = backlog_first(b);
    uint32_t n;
    while ((n = size(slice_bytes(head))) <= b->sent) {
        head->offset += n;
        head->length -= n;
        b->sent -= n;
        messages++;
    }
    head->messages -= messages;
    b->messages -= messages;
    return messages;
}

/* How much of the last slice may stay: the messages from its start on that
 * keep the whole within bounds, and in the head slice at least one. */
static uint32_t backlog_keep_of_last(const struct backlog *b,
                                     message_size_fn *size, uint64_t bytes,
                                     uint64_t messages, uint32_t *kept)
{
    const struct slice *last = backlog_at(b, b->count - 1);
    bool is_head = b->count == 1;
    uint32_t sent = is_head ? b->sent : 0, length = 0;
    uint64_t before_bytes = b->bytes - (last->length - sent);
    uint64_t before_messages = b->messages - last->messages;
    *kept = 0;
    while (length < last->length) {
        uint32_t n = size(slice_bytes(last) + length);
        bool is_needed = is_head && *kept == 0;
        if (!is_needed && (before_bytes + length + n - sent > bytes ||
                           before_messages + *kept + 1 > messages))
            break;
        length += n;
        ++*kept;
    }
    return length;
}

uint32_t backlog_drop_newest(struct backlog *b, struct budget *budget,
                             message_size_fn *size, uint64_t bytes,
                             uint64_t messages)
{
    uint64_t before = b->messages;
    if (b->count == 0)
        return 0;
    while (b->count > 0 && (b->bytes > bytes || b->messages > messages)) {
        struct slice *last = backlog_at(b, b->count - 1);
        uint32_t kept;
        uint32_t length = backlog_keep_of_last(b, size, bytes, messages, &kept);
        bool is_cut = length < last->length;
        b->bytes -= last->length - length;
        b->messages -= last->messages - kept;
        if (length == 0) {
            block_unref(last->block);
            b->count--;
            continue;
        }
        last->length = length;
        last->messages = kept;
        if (b->count == 1 || !is_cut)
            break;
    }
    backlog_shrink(b, budget);
    return (uint32_t)(before - b->messages);
}

/* The message of which some bytes are gone gets a slice of its own, so that
 * those behind it can be dropped. */
static bool backlog_split_started(struct backlog *b, struct budget *budget,
                                  message_size_fn *size)
{
    if (b->sent == 0 || backlog_first(b)->messages == 1)
        return true;
    if (!backlog_grow(b, budget))
        return false;
    struct slice *rest = backlog_first(b);
    struct slice started = *rest;
    started.length = size(slice_bytes(rest));
    started.messages = 1;
    rest->offset += started.length;
    rest->length -= started.length;
    rest->messages--;
    b->head = (b->head - 1) & (b->capacity - 1);
    b->ring[b->head] = started;
    b->count++;
    block_ref(started.block);
    return true;
}

/* Drops the first message of slice `i`, which is the first or the second. */
static void backlog_drop_one(struct backlog *b, uint32_t i,
                             message_size_fn *size)
{
    struct slice *s = backlog_at(b, i);
    uint32_t n = size(slice_bytes(s));
    s->offset += n;
    s->length -= n;
    s->messages--;
    b->bytes -= n;
    b->messages--;
    if (s->length > 0)
        return;
    block_unref(s->block);
    if (i == 1)
        *s = *backlog_first(b);
    b->head = (b->head + 1) & (b->capacity - 1);
    b->count--;
}

uint32_t backlog_drop_oldest(struct backlog *b, struct budget *budget,
                             message_size_fn *size, uint64_t bytes,
                             uint64_t messages)
{
    uint32_t dropped = 0;
    if (b->count == 0 || !backlog_split_started(b, budget, size))
        return 0;
    uint32_t i = b->sent > 0 ? 1 : 0;
    while (b->messages > 1 && (b->bytes > bytes || b->messages > messages)) {
        backlog_drop_one(b, i, size);
        dropped++;
    }
    backlog_shrink(b, budget);
    return dropped;
}

void backlog_clear(struct backlog *b, struct budget *budget)
{
    if (b->count == 0)
        return;
    for (uint32_t i = 0; i < b->count; i++)
        block_unref(backlog_at(b, i)->block);
    b->count = b->sent = 0;
    b->bytes = b->messages = 0;
    backlog_shrink(b, budget);
}

void backlog_release(struct backlog **b, struct budget *budget)
{
    backlog_clear(*b, budget);
    backlog_disown(b, budget);
}

bool backlog_compact(struct backlog *b, struct block_pool *pool,
                     struct account *account)
{
    uint64_t bytes = b->bytes + b->sent;
    if (b->count == 0 || bytes > UINT32_MAX)
        return b->count == 0;
    if (b->count == 1 && backlog_first(b)->block->capacity / 2 < bytes)
        return true;
    struct block *own = block_new(pool, (uint32_t)bytes);
    if (!own)
        return false;
    block_assign(own, account);
    for (uint32_t i = 0; i < b->count; i++) {
        struct slice *s = backlog_at(b, i);
        memcpy(own->bytes + own->used, slice_bytes(s), s->length);
        block_unref(s->block);
        s->block = block_ref(own);
        s->offset = own->used;
        own->used += s->length;
    }
    block_unref(own);
    return true;
}
