/* SPDX-License-Identifier: MIT
 *
 * queue_work - what workers do with the messages of a queue that they hold.
 */
#ifndef SLUICE_CORE_QUEUE_WORK_H
#define SLUICE_CORE_QUEUE_WORK_H

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct subscriber;
struct turn;
struct worker;

enum work_status {
    WORK_GONE, /* the owner does not hold a message of that number, or cannot
                  have received it yet: nothing has changed */
    WORK_DONE,
    WORK_NO_MEMORY, /* to part it from those that it was handed out with */
};

/* It is done. */
enum work_status queue_work_ack(struct channel *ch, const void *owner,
                                uint64_t number);

/* So are up to `count` messages from this number on. Returns how many: all
 * before the first for which there is another answer than WORK_DONE. */
uint32_t queue_work_ack_run(struct channel *ch, const void *owner,
                            uint64_t number, uint32_t count);

/* It is not done: goes back to its place after the delay. */
enum work_status queue_work_nak(struct channel *ch, const void *owner,
                                uint64_t number, uint32_t delay_ms);

/* The worker's time begins again. */
enum work_status queue_work_touch(struct channel *ch, const void *owner,
                                  uint64_t number);

/* So many messages from this number on, which the lane has in its outbox, were
 * wholly handed to the kernel. */
void queue_work_sent(struct subscriber *s, uint64_t number, uint32_t count);

/* Sets how many messages the worker may hold. */
void queue_work_set_credit(struct worker *w, uint32_t credit);

/* The turn has handed out what it could: offers more to workers that did not
 * take all that they might have. Returns whether there were any. For core.c. */
bool queue_work_feed(struct turn *t);

/* The lane of a worker leaves: what it holds goes back. For queue.c. */
void queue_work_leave(struct subscriber *lane);

#endif
