/* SPDX-License-Identifier: MIT
 *
 * state - what a session is doing, and the one function that changes it.
 *
 *     HELLO    its first frame is awaited
 *     OPEN     messages are read
 *     PAUSED   it published to a channel that is full, or has begun a message
 *              that there is no memory for, and is not read
 *     ENDED    PAUSED, and it has closed in order: what it sent before is
 *              read when its turn comes, or its descriptor is wanted
 *     STOPPED  the broker stops: it is not read, but gets what it is owed
 *     LEAVING  it said goodbye: gets what its outbox holds, nothing more
 *     FINISHING  all was sent; its kernel is given time to confirm it
 *     CLOSED   freed at the end of the turn
 */
#ifndef SLUICE_SESSION_STATE_H
#define SLUICE_SESSION_STATE_H

#include <stdbool.h>

struct session;

enum session_state {
    SESSION_HELLO,
    SESSION_OPEN,
    SESSION_PAUSED,
    SESSION_ENDED,
    SESSION_STOPPED,
    SESSION_LEAVING,
    SESSION_FINISHING,
    SESSION_CLOSED,
    SESSION_STATES
};

/* A state as the log calls it. */
extern const char *const state_names[SESSION_STATES];

/* Every change of state: the counters of what is paused, and the number of
 * sessions that keep the broker from stopping, follow it. */
void state_set(struct session *s, enum session_state state);

/* HELLO or OPEN: it is read for what it publishes. */
bool state_is_read(const struct session *s);

/* Its outbox may have become empty, or not be any more. */
void state_review_outbox(struct session *s);

#endif
