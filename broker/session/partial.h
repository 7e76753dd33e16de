/* SPDX-License-Identifier: MIT
 *
 * partial - what one client has sent of a pair (name, message) that is not
 * complete. A client that has sent nothing of its next pair has no partial.
 *
 *     small   head: the bytes as they came, to be decoded again together with
 *             what follows
 *     large   head: the whole name frame;
 *             body: the message frame so far, in the block that it will be
 *             delivered from
 *
 * Memory follows the bytes that came, never the length that was announced.
 */
#ifndef SLUICE_SESSION_PARTIAL_H
#define SLUICE_SESSION_PARTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/budget.h"
#include "broker/base/clock.h"
#include "broker/core/block.h"
#include "proto/head.h"

enum {
    /* A message frame of at least this size is gathered in its own block. */
    PARTIAL_LARGE_BYTES = 4 << 10,
    /* The least that the body of a large message takes. */
    PARTIAL_START_BYTES = 512,
    /* The most that a head can have: two lengths, the head of a unit, a small
     * message. */
    PARTIAL_HEAD_MAX = 4 + HEAD_MAX + 4 + PARTIAL_LARGE_BYTES,
    /* The most that can be kept unread: that, and what one read brings. */
    PARTIAL_UNREAD_MAX = PARTIAL_HEAD_MAX + (256 << 10),
};

/* How the memory for a large message stands (admission.h). */
enum body_state {
    BODY_NONE,
    BODY_WAITING, /* none was granted yet */
    BODY_GRANTED,
    BODY_REVOKED, /* revoked when nothing came */
};

struct partial {
    struct block *body; /* NULL when small */
    uint32_t head_bytes;
    uint32_t body_bytes;         /* of the whole message frame */
    uint32_t promised_bytes;     /* by the budget, for the rest of the body */
    uint32_t charged_head_bytes; /* its shares of the sums in admission.h */
    uint32_t charged_body_bytes;
    clock_ms since;     /* when it began to come */
    uint8_t body_state; /* enum body_state */
    bool is_unread;     /* the head may hold whole messages */
    bool is_secret;     /* the head is wiped before it is freed */
    uint8_t host;       /* peer_host of its client */
    uint8_t head[];
};

/* Keeps a copy of `n` bytes, 1 to PARTIAL_UNREAD_MAX. NULL when there is no
 * memory. */
struct partial *partial_new(struct budget *budget, const uint8_t *head,
                            size_t n);

/* Also releases the budget's promise. NULL is allowed. */
void partial_free(struct partial *p, struct budget *budget);

/* Begins a large message: keeps the bytes that came of a message frame of
 * `body_bytes`. The head must be a whole name frame. False when there is no
 * memory. */
bool partial_begin_body(struct partial *p, struct block_pool *pool,
                        const uint8_t *bytes, size_t n, uint32_t body_bytes);

/* Makes the budget promise what the large message lacks, so that a message that
 * was begun can be completed. */
void partial_promise(struct partial *p, struct budget *budget);

/* Releases the promise that was not used. */
void partial_break_promise(struct partial *p, struct budget *budget);

/* What partial_promise would take. */
uint32_t partial_lacks(const struct partial *p);

/* Where the next bytes of a large message may be read to directly, at most
 * `max`; 0 bytes when there is no memory. */
size_t partial_room(struct partial *p, uint8_t **at, size_t max);

/* `n` bytes were read to the place that partial_room returned. */
void partial_filled(struct partial *p, size_t n);

/* Copies as many bytes as the large message lacks. Returns their number, or -1
 * when there is no memory. */
int64_t partial_feed(struct partial *p, const uint8_t *bytes, size_t n);

/* `p` may be NULL. */
static inline bool partial_is_large(const struct partial *p)
{
    return p && p->body;
}

static inline bool partial_is_complete(const struct partial *p)
{
    return p->body && p->body->used == p->body_bytes;
}

#endif
