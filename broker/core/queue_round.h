/* SPDX-License-Identifier: MIT
 *
 * queue_round - the consumers of a queue that may be given something, in the
 * order in which their turn comes.
 */
#ifndef SLUICE_CORE_QUEUE_ROUND_H
#define SLUICE_CORE_QUEUE_ROUND_H

#include <stdbool.h>

struct queue;
struct subscriber;

/* Takes part from now on: by order of joining, counted from wherever the round
 * stands; the oldest goes last. */
void queue_round_enter(struct queue *q, struct subscriber *s);

/* The same for one whose worker has credit again. Returns whether there is
 * something that it may be given; others may be given it first. */
bool queue_round_resume(struct subscriber *s);

#endif
