/* SPDX-License-Identifier: MIT */
#include "broker/session/pairs.h"

#include <string.h>

#include "broker/core/core.h"
#include "broker/session/session.h"
#include "broker/session/sessions.h"
#include "proto/channel_name.h"
#include "proto/frame.h"

/* Where the last name led: most publishers name the same channel again and
 * again, and then a comparison is all the lookup there is. */
struct target {
    const uint8_t *name; /* in the read buffer or in the channel */
    uint32_t name_length;
    struct channel *channel; /* NULL: nowhere, */
    enum counter_id nowhere; /* counted here */
};

static struct target target_remembered(const struct session *s)
{
    struct channel *ch = channel_ref_get(&s->last, s->all->core);
    if (!ch)
        return (struct target){(const uint8_t *)"", UINT32_MAX, NULL,
                               COUNT_closed};
    return (struct target){channel_name(ch), channel_name_length(ch), ch,
                           COUNT_closed};
}

static bool target_find(struct target *t, struct core *core,
                        const uint8_t *name, uint32_t length)
{
    t->name = name;
    t->name_length = length;
    t->channel = core_route(core, name, length, &t->nowhere);
    return t->channel || t->nowhere != COUNT_dropped_no_memory;
}

static inline enum publish_status target_publish(struct session *s,
                                                 const struct target *t,
                                                 const uint8_t *message,
                                                 uint32_t size)
{
    if (!t->channel) {
        counter_add(s->all->counters, t->nowhere, 1);
        return PUBLISH_OK;
    }
    return channel_publish(t->channel, message, size);
}

static bool is_published(struct session *s, const struct target *t,
                         enum publish_status status, enum reason *reason)
{
    if (status == PUBLISH_WAIT)
        publisher_wait(&s->pub, t->channel, false);
    if (status == PUBLISH_NO_MEMORY)
        *reason = REASON_NO_MEMORY;
    return status != PUBLISH_NO_MEMORY;
}

/* Reads the name frame at `p` and finds the target. PAIRS_MORE also when it
 * is not complete: then name->body is NULL. */
static enum pairs_status pairs_name(struct session *s, struct target *t,
                                    const uint8_t *p, size_t n,
                                    struct frame *name, enum reason *reason)
{
    enum frame_status status = frame_decode(p, n, CHANNEL_NAME_MAX, name);
    if (status == FRAME_TOO_LONG) {
        *reason = name->length > s->all->config.max_frame_bytes
                      ? REASON_FRAME_TOO_LONG
                      : REASON_NAME_TOO_LONG;
        return PAIRS_FAILED;
    }
    if (status == FRAME_MORE)
        return PAIRS_MORE;
    if (name->length == 0)
        return PAIRS_GOODBYE;
    if (!target_find(t, s->all->core, name->body, name->length)) {
        *reason = REASON_NO_MEMORY;
        return PAIRS_FAILED;
    }
    return PAIRS_MORE;
}

static inline uint64_t get_8_bytes(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* Names are so short that calling memcmp costs more than comparing eight bytes
 * at a time: the first, the last, which may overlap them, and the rest. */
static inline bool is_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
    if (n < 8)
        return memcmp(a, b, n) == 0;
    if (get_8_bytes(a) != get_8_bytes(b) ||
        get_8_bytes(a + n - 8) != get_8_bytes(b + n - 8))
        return false;
    for (size_t i = 8; i + 8 < n; i += 8)
        if (get_8_bytes(a + i) != get_8_bytes(b + i))
            return false;
    return true;
}

static inline bool is_same_name(const struct target *t, const uint8_t *p,
                                size_t n)
{
    return n >= FRAME_HEAD_BYTES && frame_get_length(p) == t->name_length &&
           n - FRAME_HEAD_BYTES >= t->name_length &&
           is_equal(p + FRAME_HEAD_BYTES, t->name, t->name_length);
}

/* The inner loop of the broker: as long as whole messages go where the last
 * one went, and there is room for them, they are copied and that is all. What
 * it stops at, and returns, is for others to look at.
 *
 * A small message is copied together with what is behind it, which takes four
 * instructions instead of a call; so it stops a little before the end. */
static const uint8_t *pairs_append(struct session *s, const struct target *t,
                                   const uint8_t *p, const uint8_t *end)
{
    enum { SMALL_BYTES = 32 };
    const uint8_t *name = t->name;
    size_t name_length = t->name_length, name_size = frame_size(t->name_length);
    uint32_t limit = s->all->config.max_frame_bytes;
    uint32_t messages = 0, room_bytes;
    uint8_t *begin = channel_tail(t->channel, &room_bytes), *tail = begin;
    size_t room = room_bytes;
    while ((size_t)(end - p) >= name_size + SMALL_BYTES &&
           frame_get_length(p) == name_length &&
           is_equal(p + FRAME_HEAD_BYTES, name, name_length)) {
        const uint8_t *q = p + name_size;
        uint32_t length = frame_get_length(q);
        if (length > limit)
            break;
        size_t size = frame_size(length);
        size_t copied = size < SMALL_BYTES ? SMALL_BYTES : size;
        if (copied > (size_t)(end - q) || copied > room)
            break;
        if (copied == SMALL_BYTES)
            memcpy(tail, q, SMALL_BYTES);
        else
            memcpy(tail, q, size);
        tail += size;
        room -= size;
        messages++;
        p = q + size;
    }
    if (messages == 0)
        return p; /* there may be no block to append to */
    if (channel_appended(t->channel, (uint32_t)(tail - begin), messages) ==
        PUBLISH_WAIT)
        publisher_wait(&s->pub, t->channel, false);
    s->pub.messages_in += messages;
    counter_add(s->all->counters, COUNT_messages_in, messages);
    return p;
}

enum pairs_status pairs_decode(struct session *s, const uint8_t *bytes,
                               size_t n, size_t *taken, enum reason *reason)
{
    const uint8_t *p = bytes, *end = bytes + n;
    struct target t = target_remembered(s);
    enum pairs_status status = PAIRS_MORE;
    uint64_t messages = 0;
    uint32_t limit = s->all->config.max_frame_bytes;
    for (;;) {
        if (t.channel)
            p = pairs_append(s, &t, p, end);
        size_t left = (size_t)(end - p);
        struct frame name = {NULL, 0}, message;
        if (is_same_name(&t, p, left)) {
            name.length = t.name_length;
        } else {
            status = pairs_name(s, &t, p, left, &name, reason);
            if (status != PAIRS_MORE || !name.body)
                break;
        }
        const uint8_t *q = p + FRAME_HEAD_BYTES + name.length;
        enum frame_status have =
            frame_decode(q, (size_t)(end - q), limit, &message);
        if (have == FRAME_TOO_LONG) {
            status = PAIRS_FAILED;
            *reason = REASON_FRAME_TOO_LONG;
        }
        if (have != FRAME_OK)
            break;
        uint32_t size = FRAME_HEAD_BYTES + message.length;
        enum publish_status published = target_publish(s, &t, q, size);
        if (published != PUBLISH_OK &&
            !is_published(s, &t, published, reason)) {
            status = PAIRS_FAILED;
            break;
        }
        messages++;
        p = q + size;
    }
    channel_ref_set(&s->last, s->all->core, t.channel);
    s->pub.messages_in += messages;
    counter_add(s->all->counters, COUNT_messages_in, messages);
    *taken = (size_t)(p - bytes);
    return status;
}

enum pairs_status pairs_publish_large(struct session *s, enum reason *reason)
{
    struct inbox *in = s->inbox;
    struct target t;
    enum pairs_status status = PAIRS_MORE;
    if (!target_find(&t, s->all->core, in->tail + FRAME_HEAD_BYTES,
                     in->tail_bytes - FRAME_HEAD_BYTES)) {
        *reason = REASON_NO_MEMORY;
        return PAIRS_FAILED;
    }
    if (!t.channel)
        counter_add(s->all->counters, t.nowhere, 1);
    else if (!is_published(s, &t, channel_publish_block(t.channel, in->body),
                           reason))
        status = PAIRS_FAILED;
    channel_ref_set(&s->last, s->all->core, t.channel);
    s->pub.messages_in++;
    counter_add(s->all->counters, COUNT_messages_in, 1);
    sessions_clear_inbox(s->all, s);
    return status;
}
