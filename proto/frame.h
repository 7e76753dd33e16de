/* SPDX-License-Identifier: MIT
 *
 * frame - the one thing that travels: a length and that many bytes.
 *
 *     u32 big-endian length N | N bytes
 *
 * Encoding and decoding work in place and touch nothing but the bytes they are
 * given. The meaning of a frame (a channel name, a message) is up to its
 * reader. See docs/protocol.md.
 */
#ifndef SLUICE_PROTO_FRAME_H
#define SLUICE_PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { FRAME_HEAD_BYTES = 4 };

enum frame_status {
    FRAME_OK,
    FRAME_MORE,     /* not all of it is here yet */
    FRAME_TOO_LONG, /* its length is above the limit; nothing was taken */
};

struct frame {
    const uint8_t *body; /* inside the decoded bytes; NULL unless FRAME_OK */
    uint32_t length;     /* of the body; valid unless the head is incomplete */
};

static inline uint32_t frame_get_length(const uint8_t head[FRAME_HEAD_BYTES])
{
    return (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 |
           (uint32_t)head[2] << 8 | (uint32_t)head[3];
}

/* Writes a length as a frame begins with it. */
static inline void frame_put_length(uint8_t head[FRAME_HEAD_BYTES],
                                    uint32_t length)
{
    head[0] = (uint8_t)(length >> 24);
    head[1] = (uint8_t)(length >> 16);
    head[2] = (uint8_t)(length >> 8);
    head[3] = (uint8_t)length;
}

/* Looks at the frame that starts at `bytes`, of which `n` are there, and
 * never reads beyond them. `limit` is the greatest allowed body length. */
static inline enum frame_status frame_decode(const uint8_t *bytes, size_t n,
                                             uint32_t limit, struct frame *out)
{
    *out = (struct frame){NULL, 0};
    if (n < FRAME_HEAD_BYTES)
        return FRAME_MORE;
    out->length = frame_get_length(bytes);
    if (out->length > limit)
        return FRAME_TOO_LONG;
    if (n - FRAME_HEAD_BYTES < out->length)
        return FRAME_MORE;
    out->body = bytes + FRAME_HEAD_BYTES;
    return FRAME_OK;
}

/* Bytes a frame takes on the wire. */
static inline size_t frame_size(uint32_t length)
{
    return (size_t)FRAME_HEAD_BYTES + length;
}

/* Writes one whole frame to `out`, which has room for frame_size(length), and
 * returns the end of what it wrote. `body` may be NULL when length is 0. */
static inline uint8_t *frame_put(uint8_t *out, const void *body,
                                 uint32_t length)
{
    frame_put_length(out, length);
    if (length > 0)
        memcpy(out + FRAME_HEAD_BYTES, body, length);
    return out + frame_size(length);
}

#endif
