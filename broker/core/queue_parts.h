/* SPDX-License-Identifier: MIT
 *
 * queue_parts - the inside of a queue, for the files that it is made of.
 */
#ifndef SLUICE_CORE_QUEUE_PARTS_H
#define SLUICE_CORE_QUEUE_PARTS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "broker/base/counters.h"
#include "broker/core/channel.h"
#include "broker/core/fullness.h"
#include "broker/core/queue.h"

struct keep;
struct ledger;

struct queue {
    struct channel channel;
    struct backlog *backlog;
    struct keep *keep;        /* NULL unless it is durable; see keep.h */
    struct ledger *ledger;    /* NULL until a worker holds something */
    uint64_t redelivered;     /* messages that came back from workers */
    struct list ready;        /* consumers with room; the first is next */
    uint32_t consumers;       /* members that have not retired */
    bool is_numbered;         /* somebody sees the numbers of its messages */
    struct fullness fullness; /* while it is full the gate is closed */
    bool is_pressed;          /* closes it as well, memory being short */
    uint64_t ended;           /* requests, since it was last swept */
};

/* The channel must be a queue. */
static inline struct queue *queue_of(const struct channel *ch)
{
    assert(ch->kind == &queue_kind);
    return (struct queue *)(void *)ch;
}

/* So many messages, and bytes, more wait for a consumer. */
static inline void queue_count(struct queue *q, int64_t messages, int64_t bytes)
{
    struct counters *counters = q->channel.turn->counters;
    counter_add(counters, COUNT_queued_messages, (uint64_t)messages);
    counter_add(counters, COUNT_queued_bytes, (uint64_t)bytes);
}

#endif
