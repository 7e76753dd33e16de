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

/* Adds to the outbox of a consumer that is not a worker. False, with nothing
 * changed, without memory. */
bool queue_push(struct queue *q, struct subscriber *s,
                const struct slice *slice);

/* Gives messages that can be one entry to a lane that has room and credit for
 * them: its worker holds them from now on. False, with nothing changed, without
 * memory. */
bool queue_hand(struct queue *q, struct subscriber *lane,
                const struct slice *given);

/* The same for the first that came back, at most so many, and for any consumer.
 */
bool queue_hand_returned(struct queue *q, struct subscriber *s, uint32_t most);

/* The entry with what workers hold of it, or has come back, by number; NULL
 * when there is none. */
struct held *queue_find_held(const struct channel *ch, uint64_t number);

/* Makes the message of that number, which is in the entry, and at most so many
 * behind it an entry of their own. NULL without memory. */
struct held *queue_part_held(const struct channel *ch, struct held *h,
                             uint64_t number, uint32_t most);

/* These take an entry from its worker. It is done, */
void queue_finish(struct channel *ch, struct held *h);
/* or its first `messages` are, not all: it stays. */
void queue_finish_first(struct channel *ch, struct held *h, uint32_t messages);
/* It goes back to its place, */
void queue_put_back(struct channel *ch, struct held *h);
/* or does so in `ms`. */
void queue_delay(struct channel *ch, struct held *h, uint32_t ms);

/* All that the lane holds goes back. */
void queue_put_back_all(struct subscriber *lane);

/* What a consumer was given goes back: whole messages, with their numbers, that
 * were wholly handed to its kernel or not. False without memory: *rest is what
 * is left. */
bool queue_put_back_slice(struct queue *q, struct slice *rest, bool is_sent);

/* Drops the first that came back, so many or a few more if there are as many,
 * and returns how many these were. */
uint64_t queue_drop_returned(struct queue *q, uint64_t most);

/* Counts what is held; an empty ledger is freed. */
void queue_tidy(struct queue *q);

#endif
