/* SPDX-License-Identifier: MIT
 *
 * backlog - messages that wait, first in, first out, as slices of blocks.
 *
 *     head slice                next slices
 *     [ sent | unsent       ]   [        ] [    ] ...
 *            ^ `sent` bytes in
 *            [ pledged ...         ]
 *
 * Each slice holds whole messages. A client's unsent output is a backlog, and
 * so is what a queue holds. An empty one owns no memory.
 */
#ifndef SLUICE_CORE_BACKLOG_H
#define SLUICE_CORE_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "broker/base/budget.h"
#include "broker/base/clock.h"
#include "broker/core/block.h"
#include "broker/core/slice.h"

struct backlog {
    struct slice *ring;
    uint32_t head, count, capacity; /* capacity: a power of two, or 0 */
    uint32_t sent;                  /* bytes of the head slice */
    uint64_t bytes;                 /* unsent */
    uint64_t messages;              /* not wholly sent; see _consume */
    /* Of a reader that is told what it misses: the last number that it got or
     * was told of, and the last that it was offered; what lies between them and
     * in no slice is missed. 0 and 0: it is not told. */
    uint64_t told, offered;
    uint64_t mark;    /* for the owner: it waits until this has been told; 0: it
                         does not */
    bool is_memory;   /* the latest was missed because memory was short */
    uint32_t pledged; /* unsent bytes that will be sent as they are: nothing of
                         a message that they touch is dropped. Set by the owner
                         whenever some are left unsent. */
    struct slice first[]; /* the ring while BACKLOG_FIRST suffice */
};

enum { BACKLOG_FIRST = 8 };

/* The backlog shared by all owners that hold nothing. Most do, and pay only for
 * a pointer; its counts can be read without a check for NULL. It is never
 * written to. */
extern const struct backlog backlog_none;
#define BACKLOG_NONE ((struct backlog *)(uintptr_t)&backlog_none)

enum {
    BACKLOG_OWN_BYTES =
        sizeof(struct backlog) + BACKLOG_FIRST * sizeof(struct slice),
};

/* Gives *b a backlog of its own if it is backlog_none. False when there is no
 * memory. Inline: each delivery to a subscriber that is owed nothing does
 * this. */
static inline bool backlog_own(struct backlog **b, struct budget *budget)
{
    if (*b != BACKLOG_NONE)
        return true;
    struct backlog *own = budget_alloc(budget, BACKLOG_OWN_BYTES);
    if (!own)
        return false;
    *own = (struct backlog){.ring = own->first, .capacity = BACKLOG_FIRST};
    *b = own;
    return true;
}

static inline bool backlog_is_empty(const struct backlog *b)
{
    return b->count == 0;
}

/* For backlog_disown(): frees one that is not backlog_none, which *b becomes.
 */
void backlog_free(struct backlog **b, struct budget *budget);

/* If it is empty and all is told, *b becomes backlog_none again. */
static inline void backlog_disown(struct backlog **b, struct budget *budget)
{
    if (*b != BACKLOG_NONE && (*b)->count == 0 && (*b)->told >= (*b)->offered)
        backlog_free(b, budget);
}

/* The slice that goes out next; the backlog must not be empty. */
static inline struct slice *backlog_first(const struct backlog *b)
{
    return &b->ring[b->head];
}

/* The i-th slice from the front, i < count. */
static inline struct slice *backlog_at(const struct backlog *b, uint32_t i)
{
    return &b->ring[(b->head + i) & (b->capacity - 1)];
}

/* The messages, and the memory that keeping them takes. */
static inline uint64_t backlog_held_bytes(const struct backlog *b)
{
    return b->bytes + b->count * sizeof(struct slice);
}

/* Appends and takes a reference of its own on the block; what follows the
 * last slice in the same block, by number and at nearly the same time is joined
 * to it.
 * False, with nothing changed, when there is no memory. */
bool backlog_push(struct backlog *b, struct budget *budget,
                  const struct slice *s);

/* Appends one message by copying its `n` bytes, behind the last one if that
 * ends a block that no other backlog holds: so many small ones become one slice
 * and pin nothing. *account is charged for the copies. `number` is that of the
 * message, or 0 when none of the backlog's numbers is of use. False, with
 * nothing changed, when there is no memory. */
bool backlog_gather(struct backlog *b, struct budget *budget,
                    struct block_pool *pool, struct account *account,
                    const uint8_t *message, uint32_t n, clock_ms at,
                    uint64_t number);

/* Puts a slice before all others, or among those in front where its number
 * belongs; the head slice must be wholly unsent. */
bool backlog_push_front(struct backlog *b, struct budget *budget,
                        const struct slice *s);

/* Cuts `length` bytes holding `messages` messages off the front and gives
 * them, with the reference they hold, to the caller. They are the start of
 * the head slice, which must be wholly unsent. */
struct slice backlog_take(struct backlog *b, struct budget *budget,
                          uint32_t length, uint32_t messages);

/* The same for the whole last slice, which must be wholly unsent. */
struct slice backlog_take_last(struct backlog *b, struct budget *budget);

/* Drops the first message, of `n` bytes, which must be wholly unsent. */
void backlog_skip(struct backlog *b, struct budget *budget, uint32_t n);

/* Describes up to `max` stretches of unsent bytes, without gaps from the front
 * on; returns how many, and in *bytes their total length. */
int backlog_iov(const struct backlog *b, struct iovec *iov, int max,
                size_t *bytes);

/* The first `bytes` unsent bytes were sent. Returns how many messages that
 * completed; they are counted when all of their slice was sent. */
uint32_t backlog_consume(struct backlog *b, struct budget *budget,
                         uint64_t bytes);

/* Forgets the messages at the start of the head slice that are wholly sent,
 * so that the counts are exact; returns how many these were. */
uint32_t backlog_forget_sent(struct backlog *b, message_size_fn *size);

/* Drops everything. */
void backlog_clear(struct backlog *b, struct budget *budget);

/* The same, and *b becomes backlog_none. */
void backlog_release(struct backlog **b, struct budget *budget);

/* How long the oldest message has waited; 0 when empty. */
static inline uint32_t backlog_age_ms(const struct backlog *b, clock_ms now)
{
    return b->count ? clock_elapsed_ms(now, backlog_first(b)->at) : 0;
}

/* For backlog_drop.c. */

/* Makes room for one slice more. False when there is no memory. */
bool backlog_grow(struct backlog *b, struct budget *budget);

/* Memory follows the contents: a ring that was large once is given back as it
 * empties. */
void backlog_shrink(struct backlog *b, struct budget *budget);

#endif
