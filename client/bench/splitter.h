/* SPDX-License-Identifier: MIT
 *
 * splitter - finds the frames in the bytes that were read, wherever these were
 * cut. Bodies are never copied; only the beginning of an incomplete frame is
 * kept, so that of a frame that was cut only that much is there.
 */
#ifndef SLUICE_CLIENT_BENCH_SPLITTER_H
#define SLUICE_CLIENT_BENCH_SPLITTER_H

#include "proto/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for a stamp, and for the head of a MSG up to its number. */
enum { SPLITTER_KEPT_BYTES = 1024 };

struct splitter {
    uint8_t kept[FRAME_HEAD_BYTES + SPLITTER_KEPT_BYTES]; /* of a cut frame */
    size_t kept_bytes;
    size_t skip_bytes; /* of that frame still to come, once `kept` is full */
};

/* A frame of that length; its first SPLITTER_KEPT_BYTES are there. */
typedef void splitter_take(void *owner, const uint8_t *body, uint32_t length);

/* How many bytes of the frame at hand belong into `kept`. */
static inline size_t splitter_wanted(const struct splitter *s)
{
    if (s->kept_bytes < FRAME_HEAD_BYTES)
        return FRAME_HEAD_BYTES;
    size_t whole = frame_size(frame_get_length(s->kept));
    return whole < sizeof s->kept ? whole : sizeof s->kept;
}

static inline bool splitter_is_full(const struct splitter *s)
{
    return s->kept_bytes >= FRAME_HEAD_BYTES &&
           s->kept_bytes == splitter_wanted(s);
}

/* Takes bytes for `kept`; returns how many. Sets skip_bytes when it is full. */
static inline size_t splitter_keep(struct splitter *s, const uint8_t *bytes,
                                   size_t n)
{
    size_t taken = 0;
    while (taken < n && s->kept_bytes < splitter_wanted(s))
        s->kept[s->kept_bytes++] = bytes[taken++];
    if (splitter_is_full(s))
        s->skip_bytes = frame_size(frame_get_length(s->kept)) - s->kept_bytes;
    return taken;
}

/* Takes the rest of the frame that was cut; returns how many bytes. */
static inline size_t splitter_resume(struct splitter *s, const uint8_t *bytes,
                                     size_t n, splitter_take *take, void *owner)
{
    size_t taken = 0;
    if (s->skip_bytes == 0)
        taken = splitter_keep(s, bytes, n);
    size_t skip = n - taken < s->skip_bytes ? n - taken : s->skip_bytes;
    taken += skip;
    s->skip_bytes -= skip;
    if (s->skip_bytes == 0 && splitter_is_full(s)) {
        s->kept_bytes = 0;
        take(owner, s->kept + FRAME_HEAD_BYTES, frame_get_length(s->kept));
    }
    return taken;
}

/* Takes `n` bytes, and gives each frame that is complete to `take`. Inline, as
 * what it calls, because `take` is called for each message. */
static inline void splitter_feed(struct splitter *s, const uint8_t *bytes,
                                 size_t n, splitter_take *take, void *owner)
{
    size_t at = 0;
    struct frame frame;
    if (s->kept_bytes > 0)
        at = splitter_resume(s, bytes, n, take, owner);
    while (frame_decode(bytes + at, n - at, UINT32_MAX, &frame) == FRAME_OK) {
        take(owner, frame.body, frame.length);
        at += frame_size(frame.length);
    }
    if (at < n)
        (void)splitter_resume(s, bytes + at, n - at, take, owner);
}

#endif
