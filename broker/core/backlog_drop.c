/* SPDX-License-Identifier: MIT */
#include "broker/core/backlog_drop.h"

#include <string.h>

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
        uint32_t n = slice_message_size(last, size, slice_bytes(last) + length);
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
        last->messages = (uint16_t)kept;
        if (b->count == 1 || !is_cut)
            break;
    }
    backlog_shrink(b, budget);
    return (uint32_t)(before - b->messages);
}

/* The message that was sent in part gets a slice of its own, so that those
 * behind it can be dropped. */
static bool backlog_split_started(struct backlog *b, struct budget *budget,
                                  message_size_fn *size)
{
    if (b->sent == 0 || backlog_first(b)->messages == 1)
        return true;
    if (!backlog_grow(b, budget))
        return false;
    struct slice *rest = backlog_first(b);
    struct slice started = *rest;
    started.length = slice_message_size(rest, size, slice_bytes(rest));
    started.messages = 1;
    rest->offset += started.length;
    rest->length -= started.length;
    rest->messages--;
    rest->first++;
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
    uint32_t n = slice_message_size(s, size, slice_bytes(s));
    s->offset += n;
    s->length -= n;
    s->messages--;
    s->first++;
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
