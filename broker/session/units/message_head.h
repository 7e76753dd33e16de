/* SPDX-License-Identifier: MIT
 *
 * message_head - the head frame of a message, "MSG channel number", made once
 * for messages that follow one another: only the number changes, and as text it
 * is counted up in place, which takes a tenth of making it.
 */
#ifndef SLUICE_SESSION_UNITS_MESSAGE_HEAD_H
#define SLUICE_SESSION_UNITS_MESSAGE_HEAD_H

#include <stdint.h>
#include <string.h>

#include "proto/decimal.h"
#include "proto/frame.h"
#include "proto/spelling.h"

struct channel;

enum {
    MESSAGE_HEAD_WORD = 4, /* "MSG " */
    /* Its frame, at most. */
    MESSAGE_HEAD_MAX = FRAME_HEAD_BYTES + MESSAGE_HEAD_WORD +
                       SPELLING_CHANNEL_MAX + 1 + DECIMAL_MAX,
    /* What is copied of a frame that is not longer. */
    MESSAGE_HEAD_COMMON = 48,
};

struct message_head {
    uint32_t size;      /* of the frame */
    uint32_t number_at; /* where the number begins, */
    uint64_t number;    /* and which one it is; 0: none yet */
    uint8_t frame[MESSAGE_HEAD_MAX];
};

/* The channel is spelled; there is no number yet. */
void message_head_init(struct message_head *h, const struct channel *ch);

/* Makes it the head of the message with this number. */
void message_head_set(struct message_head *h, uint64_t number);

static inline uint32_t message_head_digits(const struct message_head *h)
{
    return h->size - h->number_at;
}

/* The same, quickly if the number is a little larger than the last one. */
static inline void message_head_move(struct message_head *h, uint64_t number)
{
    uint64_t step = number - h->number;
    if (h->number == 0 || step >= 10 ||
        !decimal_add(h->frame + h->number_at, message_head_digits(h),
                     (unsigned)step))
        message_head_set(h, number);
    h->number = number;
}

/* Makes it the head of the next message. */
static inline void message_head_next(struct message_head *h)
{
    h->number++;
    if (!decimal_next(h->frame + h->number_at, message_head_digits(h)))
        message_head_set(h, h->number);
}

/* Writes the frame and returns its end. Bytes behind it may be overwritten:
 * there is room for MESSAGE_HEAD_MAX. */
static inline uint8_t *message_head_put(const struct message_head *h,
                                        uint8_t *out)
{
    uint32_t size = h->size; /* read once: `out` could be anything */
    if (size <= MESSAGE_HEAD_COMMON)
        memcpy(out, h->frame, MESSAGE_HEAD_COMMON);
    else
        memcpy(out, h->frame, size);
    return out + size;
}

#endif
