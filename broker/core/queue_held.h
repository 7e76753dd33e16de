/* SPDX-License-Identifier: MIT
 *
 * queue_held - the messages of a queue that its workers hold, and those that
 * came back and wait to be handed out before all others.
 */
#ifndef SLUICE_CORE_QUEUE_HELD_H
#define SLUICE_CORE_QUEUE_HELD_H

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct held;
struct queue;
struct slice;
struct subscriber;

/* The first that came back; NULL when there is none. */
struct held *queue_first_returned(const struct queue *q);

/* Gives the first message in the backlog, which stays there and has `n` bytes,
 * to a lane that has room and credit: its worker holds it from now on. False,
 * with nothing changed, without memory. */
bool queue_hand(struct queue *q, struct subscriber *lane, uint32_t n);

/* The same for the first that came back, and for any consumer. */
bool queue_hand_returned(struct queue *q, struct subscriber *s);

/* What workers hold of it, or has come back, by number; NULL when there is
 * none. */
struct held *queue_find_held(const struct channel *ch, uint64_t number);

/* These three take a message from its worker. It is done: */
void queue_finish(struct channel *ch, struct held *h);
/* It goes back to its place, */
void queue_put_back(struct channel *ch, struct held *h);
/* or does so in `ms`. */
void queue_delay(struct channel *ch, struct held *h, uint32_t ms);

/* All that the lane holds goes back. */
void queue_put_back_all(struct subscriber *lane);

/* What a consumer did not take goes back: whole messages, with their numbers.
 * False without memory: *rest is what is left. */
bool queue_put_back_slice(struct queue *q, struct slice *rest);

/* Drops the first that came back, at most so many, and returns how many these
 * were. */
uint64_t queue_drop_returned(struct queue *q, uint64_t most);

/* Counts what is held; an empty ledger is freed. */
void queue_tidy(struct queue *q);

#endif
