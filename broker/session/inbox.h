/* SPDX-License-Identifier: MIT
 *
 * inbox - what one connection has sent of a pair (name, message) that is not
 * complete. Empty, it owns nothing.
 *
 *     small   tail: the bytes as they came, to be decoded again together with
 *             what follows
 *     large   tail: the whole name frame;
 *             body: the message frame so far, in the block that it will be
 *             delivered from
 *
 * Memory follows the bytes that came, never the length that was announced.
 */
#ifndef SLUICE_SESSION_INBOX_H
#define SLUICE_SESSION_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/budget.h"
#include "broker/core/block.h"

enum {
    /* A message frame from this size on is gathered in its own block. */
    INBOX_LARGE_BYTES = 4 << 10,
    /* The most that a tail can have: two heads, a name, a small message. */
    INBOX_TAIL_MAX = 4 + 255 + INBOX_LARGE_BYTES,
};

struct inbox {
    uint8_t *tail;      /* NULL when empty */
    struct block *body; /* NULL when small */
    uint32_t tail_bytes;
    uint32_t body_bytes;     /* of the whole message frame */
    uint32_t loose_bytes;    /* its part of those of all sessions */
    uint32_t counted_bytes;  /* of the tail, likewise */
    uint32_t promised_bytes; /* of the budget, for what the body lacks */
};

/* An empty one for everybody who has nothing incomplete. It is never written
 * to. */
extern const struct inbox inbox_none;
#define INBOX_NONE ((struct inbox *)(uintptr_t)&inbox_none)

/* *in, which may be inbox_none, becomes one of its own. False when there is
 * no memory. */
bool inbox_own(struct inbox **in, struct budget *budget);

/* Keeps `n` bytes, at most INBOX_TAIL_MAX; the inbox must be empty. False
 * when there is no memory. */
bool inbox_keep(struct inbox *in, struct budget *budget, const uint8_t *bytes,
                size_t n);

/* Begins a large message: the name frame, and what came of a message frame
 * that will have `body_bytes`. The inbox must be empty. */
bool inbox_begin(struct inbox *in, struct budget *budget,
                 struct block_pool *pool, const uint8_t *name_frame,
                 size_t name_frame_bytes, const uint8_t *bytes, size_t n,
                 uint32_t body_bytes);

/* Has the budget promise what the large message lacks, so that once begun it
 * can be completed. Returns how much that is; 0 when it has it already. */
uint32_t inbox_promise(struct inbox *in, struct budget *budget);

/* Gives back what was promised and not used. */
void inbox_break_promise(struct inbox *in, struct budget *budget);

/* What inbox_promise would take. */
uint32_t inbox_lacks(const struct inbox *in);

/* Where the next bytes of a large message may be read to directly, at most
 * `max`; 0 bytes when there is no memory or nothing large. */
size_t inbox_room(struct inbox *in, uint8_t **at, size_t max);

/* `n` bytes were read to where inbox_room said. */
void inbox_filled(struct inbox *in, size_t n);

/* Copies as many bytes as the large message lacks, returns how many these
 * are, or -1 when there is no memory. */
int64_t inbox_feed(struct inbox *in, const uint8_t *bytes, size_t n);

static inline bool inbox_is_large(const struct inbox *in)
{
    return in->body != NULL;
}

static inline bool inbox_is_complete(const struct inbox *in)
{
    return in->body && in->body->used == in->body_bytes;
}

/* Also gives back what was promised. */
void inbox_clear(struct inbox *in, struct budget *budget);

/* The same, and *in becomes inbox_none. */
void inbox_release(struct inbox **in, struct budget *budget);

#endif
