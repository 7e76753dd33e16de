/* SPDX-License-Identifier: MIT
 *
 * queue_ended - requests that waited in a queue until nobody waited for their
 * replies any more. They are skipped when their turn comes; in a full queue,
 * where that may never happen, they are swept out.
 */
#ifndef SLUICE_CORE_QUEUE_ENDED_H
#define SLUICE_CORE_QUEUE_ENDED_H

#include <stdbool.h>

struct channel;
struct queue;

/* A request that may wait in the queue has ended. */
void queue_note_ended(struct channel *ch);

/* Drops those in front, of what came back and of the backlog. */
void queue_skip_ended(struct queue *q);

/* Drops all in the backlog, once there may be enough of them to be worth the
 * walk. True when there were some. Not in a durable queue, most of which is not
 * in memory. */
bool queue_sweep_ended(struct queue *q);

#endif
