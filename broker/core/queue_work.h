/* SPDX-License-Identifier: MIT
 *
 * queue_work - what workers do with the messages of a queue that they hold.
 * Each of the first three returns false, and changes nothing, when the owner
 * does not hold a message of that number, or cannot have received it yet.
 */
#ifndef SLUICE_CORE_QUEUE_WORK_H
#define SLUICE_CORE_QUEUE_WORK_H

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct subscriber;
struct turn;
struct worker;

/* It is done. */
bool queue_work_ack(struct channel *ch, const void *owner, uint64_t number);

/* It is not done: goes back to its place after the delay. */
bool queue_work_nak(struct channel *ch, const void *owner, uint64_t number,
                    uint32_t delay_ms);

/* The worker's time begins again. */
bool queue_work_touch(struct channel *ch, const void *owner, uint64_t number);

/* The message of this number, which the lane has in its outbox, was wholly
 * handed to the kernel. */
void queue_work_sent(struct subscriber *s, uint64_t number);

/* Sets how many messages the worker may hold. */
void queue_work_set_credit(struct worker *w, uint32_t credit);

/* The turn has handed out what it could: offers more to workers that did not
 * take all that they might have. Returns whether there were any. For core.c. */
bool queue_work_feed(struct turn *t);

/* The lane of a worker leaves: what it holds goes back. For queue.c. */
void queue_work_leave(struct subscriber *lane);

#endif
