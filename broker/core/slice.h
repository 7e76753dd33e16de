/* SPDX-License-Identifier: MIT
 *
 * slice - a stretch of a block: whole messages, one after another. A message
 * with a text (of version 2: its headers) has a slice of its own; the text lies
 * before it in the block, with its length behind it, 16 bits in the order of
 * the machine:
 *
 *     ... text | length of the text | message ...
 *                                     ^ offset
 *
 * A dressed message has its head, as readers of version 2 get it, as a message
 * of its own before it; such a slice is for them alone.
 */
#ifndef SLUICE_CORE_SLICE_H
#define SLUICE_CORE_SLICE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "broker/base/clock.h"
#include "broker/core/block.h"

struct slice {
    struct block *block;
    uint32_t offset, length; /* bytes in the block */
    clock_ms at;             /* when its first message came */
    uint16_t messages;       /* a block has no room for more */
    uint8_t tries; /* of a queue: how often it has been handed out wholly */
    bool has_text : 1;
    bool is_dressed : 1;
    uint64_t first; /* number of the first message; the others follow
                       on, except in what consumers of a queue without
                       numbers hold */
};

/* The size in bytes of the message that begins there. Only the owner of the
 * core knows the wire format, and so where a message ends. */
typedef uint32_t message_size_fn(const uint8_t *message);

/* The same for one of this slice. */
static inline uint32_t slice_message_size(const struct slice *s,
                                          message_size_fn *size,
                                          const uint8_t *message)
{
    uint32_t n = size(message);
    return s->is_dressed ? n + size(message + n) : n;
}

enum {
    SLICE_TEXT_HEAD = sizeof(uint16_t),
    SLICE_TRIES_MAX = UINT8_MAX, /* it is not counted beyond */
};

/* The text of its only message, and its length; 0 when it has none. */
static inline uint32_t slice_text(const struct slice *s, const uint8_t **text)
{
    uint16_t n = 0;
    const uint8_t *end = s->block->bytes + s->offset;
    if (s->has_text)
        memcpy(&n, end - SLICE_TEXT_HEAD, sizeof n);
    *text = s->has_text ? end - SLICE_TEXT_HEAD - n : NULL;
    return n;
}

/* The bytes of its messages, with their text. */
static inline uint64_t slice_whole_bytes(const struct slice *s)
{
    const uint8_t *text;
    return (uint64_t)s->length + slice_text(s, &text);
}

static inline const uint8_t *slice_bytes(const struct slice *s)
{
    return s->block->bytes + s->offset;
}

/* Takes off its first messages, which are so many bytes. */
static inline void slice_skip(struct slice *s, uint32_t messages,
                              uint32_t bytes)
{
    s->offset += bytes;
    s->length -= bytes;
    s->messages = (uint16_t)(s->messages - messages);
    s->first += messages;
}

/* Its first messages, so many or all; they are not dressed. */
static inline struct slice slice_front(const struct slice *s, uint32_t most,
                                       message_size_fn *size)
{
    struct slice front = *s;
    if (s->messages <= most)
        return front;
    front.messages = (uint16_t)most;
    front.length = 0;
    for (; most > 0; most--)
        front.length += size(slice_bytes(s) + front.length);
    return front;
}

#endif
