/* SPDX-License-Identifier: MIT
 *
 * queue_kept - what a queue does otherwise when it is durable: what it has is
 * in its keep as well. The functions that a channel_kind has are described
 * there.
 */
#ifndef SLUICE_CORE_QUEUE_KEPT_H
#define SLUICE_CORE_QUEUE_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/core/fullness.h"

struct channel;
struct queue;
struct subscriber;

/* Of functions that are called from where something is done for each message:
 * inlined there, they would cost all queues registers. */
#define QUEUE_APART __attribute__((noinline))

/* For queue_kind. */
bool queue_open(struct channel *ch);
void queue_fini(struct channel *ch);
bool queue_prepare(struct channel *ch);
void queue_rest(struct channel *ch);
struct fill queue_behind(const struct channel *ch);

/* What it holds is kept in the store. */
bool queue_is_durable(const struct channel *ch);

/* Bytes that wait in the store alone; messages that consumers were given that
 * acknowledge nothing, and have not confirmed. 0 unless it is durable. */
uint64_t queue_disk_bytes(const struct channel *ch);
uint64_t queue_unconfirmed(const struct channel *ch);

/* How many bytes more it takes, having so many: up to its limit, and if it is
 * durable those that are sure to find space. */
uint64_t queue_room_beyond(const struct channel *ch, uint64_t bytes);

/* What waits and has not come back, wherever it is; and what consumers were
 * given that acknowledge nothing, and have not confirmed. */
struct fill queue_waits(const struct queue *q);
struct fill queue_given(const struct queue *q);

/* If its rule says that it should be durable and it is not, what it has waiting
 * is put into the store. One that should not be durable any more is so until it
 * is empty. */
QUEUE_APART void queue_review_durable(struct queue *q);

/* The consumer leaves: what its kernel has not confirmed goes back. Returns how
 * many bytes of that are at the end of its outbox. */
uint64_t queue_put_back_trail(struct queue *q, struct subscriber *s);

/* It is durable: puts back what there was no memory for, and fills the head. */
QUEUE_APART void queue_fill_head(struct queue *q);

/* The broker ends: forgets what it holds, which stays in the store. */
void queue_abandon(struct queue *q);

/* The backlog is empty: false, unless it is durable and has more. */
QUEUE_APART bool queue_refill(struct queue *q);

/* Nothing is handed out: the store has failed. */
bool queue_is_frozen(const struct queue *q);

/* The broker may stop before it is empty. */
bool queue_may_stop(const struct queue *q);

/* Drops up to so many slices of the backlog, the oldest first; returns how many
 * messages these were. */
uint64_t queue_drop_slices(struct queue *q, uint32_t slices);

#endif
