/* SPDX-License-Identifier: MIT
 *
 * slack - queues whose open block is much larger than what workers hold of it,
 * and may stay so until they have rested: most is acknowledged within the next
 * turns, and the block would be copied in each, to shrink and to grow again.
 * They are few.
 */
#ifndef SLUICE_CORE_SLACK_H
#define SLUICE_CORE_SLACK_H

#include <stdbool.h>
#include <stdint.h>

struct channel;

enum { SLACK_MAX = 16 };

/* All zeros: there are none. */
struct slack {
    struct {
        struct channel *channel;
        bool has_rested; /* since the last tick */
    } rows[SLACK_MAX];
    uint32_t count;
    uint32_t next; /* the row that makes room for another one */
};

/* The channel rests from now on. Another one is shrunk if there are too many.
 */
void slack_add(struct slack *s, struct channel *ch);

/* To be called before the channel is freed. */
void slack_forget(struct slack *s, const struct channel *ch);

/* Shrinks the open blocks of those that have rested since the last tick. */
void slack_tick(struct slack *s);

/* Shrinks all. */
void slack_end(struct slack *s);

/* Whether slack_tick() has something to do. */
static inline bool slack_is_any(const struct slack *s)
{
    return s->count > 0;
}

#endif
