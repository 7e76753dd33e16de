/* SPDX-License-Identifier: MIT */
#include "broker/core/backlog_drop.h"

#include <string.h>

/* Bytes from the start of the head slice on that were sent or are pledged. */
static uint64_t backlog_begun(const struct backlog *b)
{
    return (uint64_t)b->sent + b->pledged;
}

/* How much of the last slice may stay: the messages from its start on that were
 * begun or keep the whole within bounds, and in the head slice at least one. */
static uint32_t backlog_keep_of_last(const struct backlog *b,
                                     message_size_fn *size, uint64_t bytes,
                                     uint64_t messages, uint32_t *kept)
{
    const struct slice *last = backlog_at(b, b->count - 1);
    uint64_t begun = backlog_begun(b),
             start = b->bytes + b->sent - last->length;
    uint64_t before_messages = b->messages - last->messages;
    uint32_t length = 0;
    *kept = 0;
    while (length < last->length) {
        uint32_t n = slice_message_size(last, size, slice_bytes(last) + length);
        uint64_t at = start + length;
        bool is_needed = at == 0 || at < begun;
        if (!is_needed && (at + n - b->sent > bytes ||
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
        last->messages = (uint16_t)kept;
        if (b->count == 1 || !is_cut)
            break;
    }
    backlog_shrink(b, budget);
    return (uint32_t)(before - b->messages);
}

/* Makes two slices of slice `i`, whose first `n` messages are so many bytes.
 * False when there is no memory. */
static bool backlog_split(struct backlog *b, struct budget *budget, uint32_t i,
                          uint32_t n, uint32_t bytes)
{
    if (!backlog_grow(b, budget))
        return false;
    b->head = (b->head - 1) & (b->capacity - 1);
    b->count++;
    for (uint32_t j = 0; j <= i; j++)
        *backlog_at(b, j) = *backlog_at(b, j + 1);
    struct slice *front = backlog_at(b, i);
    slice_skip(backlog_at(b, i + 1), n, bytes);
    front->messages = (uint16_t)n;
    front->length = bytes;
    block_ref(front->block);
    return true;
}

/* The slice in which what was begun ends, with so many of its messages, which
 * are so many bytes; all of the slices before it. Its place is b->count when
 * nothing follows. */
struct border {
    uint32_t slice, messages, bytes;
};

static struct border backlog_border(const struct backlog *b,
                                    message_size_fn *size)
{
    struct border at = {.slice = 0};
    uint64_t begun = backlog_begun(b);
    for (; at.slice < b->count; at.slice++) {
        const struct slice *s = backlog_at(b, at.slice);
        if (begun < s->length)
            break;
        begun -= s->length;
    }
    if (at.slice == b->count)
        return at;
    const struct slice *s = backlog_at(b, at.slice);
    for (; at.bytes < begun; at.messages++)
        at.bytes += slice_message_size(s, size, slice_bytes(s) + at.bytes);
    return at;
}

uint64_t backlog_pledged(const struct backlog *b, message_size_fn *size,
                         uint64_t *bytes)
{
    struct border at = backlog_border(b, size);
    uint64_t messages = at.messages;
    *bytes = at.bytes;
    for (uint32_t i = 0; i < at.slice; i++) {
        *bytes += backlog_at(b, i)->length;
        messages += backlog_at(b, i)->messages;
    }
    *bytes -= b->sent < *bytes ? b->sent : *bytes;
    return messages;
}

/* Has the messages that were begun end a slice, so that those behind it can be
 * dropped; *i is the next slice. False when there is no memory. */
static bool backlog_split_begun(struct backlog *b, struct budget *budget,
                                message_size_fn *size, uint32_t *i)
{
    struct border at = backlog_border(b, size);
    *i = at.slice;
    if (at.messages == 0)
        return true;
    ++*i;
    return at.messages == backlog_at(b, at.slice)->messages ||
           backlog_split(b, budget, at.slice, at.messages, at.bytes);
}

/* Drops the first message of slice `i`. Returns true when that was its last,
 * and the slice has become a hole. */
static bool backlog_drop_one(struct backlog *b, uint32_t i,
                             message_size_fn *size)
{
    struct slice *s = backlog_at(b, i);
    uint32_t n = slice_message_size(s, size, slice_bytes(s));
    slice_skip(s, 1, n);
    b->bytes -= n;
    b->messages--;
    if (s->length > 0)
        return false;
    block_unref(s->block);
    return true;
}

/* Closes the holes behind the first `i` slices. */
static void backlog_close(struct backlog *b, uint32_t i, uint32_t holes)
{
    if (holes == 0)
        return;
    while (i-- > 0)
        *backlog_at(b, i + holes) = *backlog_at(b, i);
    b->head = (b->head + holes) & (b->capacity - 1);
    b->count -= holes;
}

uint32_t backlog_drop_oldest(struct backlog *b, struct budget *budget,
                             message_size_fn *size, uint64_t bytes,
                             uint64_t messages)
{
    uint32_t dropped = 0, i, holes = 0;
    if (b->count == 0 || !backlog_split_begun(b, budget, size, &i))
        return 0;
    while (b->messages > 1 && i + holes < b->count &&
           (b->bytes > bytes || b->messages > messages)) {
        holes += backlog_drop_one(b, i + holes, size);
        dropped++;
    }
    backlog_close(b, i, holes);
    backlog_shrink(b, budget);
    return dropped;
}

uint64_t backlog_drop_slices(struct backlog *b, struct budget *budget,
                             uint32_t slices)
{
    uint64_t before = b->messages;
    for (; slices > 0 && b->count > 0; slices--) {
        const struct slice *first = backlog_first(b);
        struct slice dropped =
            backlog_take(b, budget, first->length, first->messages);
        block_unref(dropped.block);
    }
    return before - b->messages;
}

uint64_t backlog_drop_if(struct backlog *b, struct budget *budget,
                         bool (*is_dropped)(void *arg, const struct slice *s),
                         void *arg)
{
    uint64_t before = b->messages;
    uint32_t kept = 0;
    assert(b->sent == 0);
    for (uint32_t i = 0; i < b->count; i++) {
        struct slice *s = backlog_at(b, i);
        if (!is_dropped(arg, s)) {
            *backlog_at(b, kept++) = *s;
            continue;
        }
        b->bytes -= s->length;
        b->messages -= s->messages;
        block_unref(s->block);
    }
    if (kept < b->count) {
        b->count = kept;
        backlog_shrink(b, budget);
    }
    return before - b->messages;
}

static uint64_t backlog_text_bytes(const struct backlog *b)
{
    uint64_t bytes = 0;
    const uint8_t *text;
    for (uint32_t i = 0; i < b->count; i++)
        if (backlog_at(b, i)->has_text)
            bytes += slice_text(backlog_at(b, i), &text) + SLICE_TEXT_HEAD;
    return bytes;
}

bool backlog_compact(struct backlog *b, struct block_pool *pool,
                     struct account *account)
{
    uint64_t bytes = b->bytes + b->sent + backlog_text_bytes(b);
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
        const uint8_t *text;
        uint32_t before = slice_text(s, &text);
        before += s->has_text ? SLICE_TEXT_HEAD : 0;
        memcpy(own->bytes + own->used, slice_bytes(s) - before,
               before + s->length);
        own->used += before;
        block_unref(s->block);
        s->block = block_ref(own);
        s->offset = own->used;
        own->used += s->length;
    }
    block_unref(own);
    return true;
}
