/* SPDX-License-Identifier: MIT
 *
 * trail - the messages of a durable queue that a consumer was given and that
 * its kernel has not confirmed. Such a consumer acknowledges nothing itself:
 * what its kernel has is done.
 *
 *     oldest                                     latest
 *     [ confirmed | in a kernel | in the outbox ]
 *       done
 */
#ifndef SLUICE_CORE_TRAIL_H
#define SLUICE_CORE_TRAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/core/channel.h"
#include "broker/core/subscriber.h"

struct backlog;
struct keep;
struct keeper;
struct slice;

struct trail {
    struct list link; /* of the keeper's while it is not empty, or of the
                         strays of its keep */
    struct keep *keep;
    struct subscriber *sub; /* NULL: has left */
    struct backlog *given;
    uint64_t handed; /* of one that has left: bytes that a kernel had */
};

/* Whether it was given messages that its kernel has not confirmed. */
static inline bool trail_is_open(const struct subscriber *s)
{
    return s->channel && channel_is_queue(s->channel) && !s->worker &&
           s->trail && !list_is_empty(&s->trail->link);
}

/* Gives the consumer a slice. False, with nothing changed, without memory. Not
 * inlined: its caller hands out the messages of all queues. */
__attribute__((noinline)) bool trail_give(struct keep *k, struct subscriber *s,
                                          const struct slice *slice);

/* Some of what consumers have may have been confirmed: all trails of the keeper
 * are looked at. To be called every CORE_TICK_MS while there are any. */
void trail_tick(struct keeper *k);

/* The consumer leaves: what is not confirmed is to be put back, and is a stray
 * until then. Returns how many bytes of that were in its outbox. */
uint64_t trail_leave(struct trail *t);

/* Forgets the first so many messages. */
void trail_forget(struct trail *t, uint32_t bytes, uint32_t messages);

/* With all that is in it. */
void trail_free(struct trail *t);

#endif
