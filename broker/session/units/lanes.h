/* SPDX-License-Identifier: MIT
 *
 * lanes - the places of one session in channels: a lane for each channel that
 * it reads, however many of its subscriptions lead there, but a lane for each
 * of them in a queue. The first lane is the
 * session's own subscriber, further ones are allocated.
 */
#ifndef SLUICE_SESSION_UNITS_LANES_H
#define SLUICE_SESSION_UNITS_LANES_H

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct session;
struct subscriber;
struct wildcard;
struct worker;

enum { LANES_MAX = 16384 };

/* A new lane, in a channel in which the session has none; `w`, if any, is the
 * window for what it is handed of a queue. NULL when it would be one too many,
 * or there is no memory. */
struct subscriber *lanes_join(struct session *s, struct channel *ch,
                              struct worker *w);

/* The same for a queue that a wildcard subscription matches, which is a
 * consumer of its own there whatever else the session reads: lanes_in() does
 * not find it. */
struct subscriber *lanes_join_apart(struct session *s, struct channel *ch,
                                    struct wildcard *wildcard);

/* Whether the lane may be there for this wildcard subscription: all but those
 * of other subscriptions to queues. */
bool lanes_are_of(const struct subscriber *lane, const struct wildcard *w);

/* Whether one more would be too many. */
bool lanes_are_over(const struct session *s);

/* The lane in the channel, unless it has retired or is apart; NULL when there
 * is none. */
struct subscriber *lanes_in(struct session *s, const struct channel *ch);

/* The same for the channel of this name. */
struct subscriber *lanes_find(struct session *s, const uint8_t *name,
                              uint32_t length);

/* Whether the subscription to the channel's own name leads to the lane. */
void lanes_set_exact(struct session *s, struct subscriber *lane, bool is_exact);

/* How many subscriptions are of that kind. */
uint32_t lanes_exact(const struct session *s);

/* A window for one lane or more; it is freed when the last of them has gone.
 * NULL without memory. */
struct worker *lanes_new_worker(struct session *s, uint32_t credit,
                                uint32_t wait_ms);

/* One lane, or subscription, less. `w` may be NULL. */
void lanes_drop_worker(struct session *s, struct worker *w);

/* The number that the first unit of it follows on which is not begun. */
uint64_t lanes_number(const struct session *s, const struct subscriber *lane);

/* Calls `visit` for each lane that is in a channel and has not retired; it may
 * close that lane. */
void lanes_each(struct session *s,
                void (*visit)(struct subscriber *lane, void *arg), void *arg);

/* The same in pieces. Those that the session gets meanwhile are not visited. */
void lanes_walk_begin(struct session *s);

/* The next one; NULL when there are no more. It may be closed, as may any
 * other. */
struct subscriber *lanes_walk(struct session *s);

/* Ends a lane at once. False when there is no memory to complete a unit of it
 * that was begun: the session has to end. */
bool lanes_close(struct session *s, struct subscriber *lane);

/* Ends a lane: that of a topic when all it is owed was written, which returns
 * true in *waits. Otherwise like lanes_close. */
bool lanes_finish(struct session *s, struct subscriber *lane, bool *waits);

/* The lane goes on. Returns true when it is still to be told of something that
 * was published before: `mark` of its outbox is set until that has been done.
 */
bool lanes_mark(struct subscriber *lane);

/* All lanes finish, close, or are gone without a thought for what was begun. */
bool lanes_retire(struct session *s);
bool lanes_leave(struct session *s);
void lanes_abandon(struct session *s);

#endif
