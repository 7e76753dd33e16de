/* SPDX-License-Identifier: MIT
 *
 * lanes - the places of one session in channels: a lane for each channel that
 * it reads, however many of its subscriptions lead there. The first lane is the
 * session's own subscriber, further ones are allocated.
 */
#ifndef SLUICE_SESSION_UNITS_LANES_H
#define SLUICE_SESSION_UNITS_LANES_H

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct session;
struct subscriber;
struct worker;

enum { LANES_MAX = 16384 };

/* A lane that is in no channel yet; NULL without memory. */
struct subscriber *lanes_add(struct session *s);

/* The lane in the channel of this name, unless it has retired; NULL when there
 * is none. */
struct subscriber *lanes_find(struct session *s, const uint8_t *name,
                              uint32_t length);

/* The same for a channel. */
struct subscriber *lanes_in(struct session *s, const struct channel *ch);

/* A window for one lane or more; it is freed when the last of them has gone.
 * NULL without memory. */
struct worker *lanes_new_worker(struct session *s, uint32_t credit,
                                uint32_t wait_ms);

/* The lane works from now on: messages of its queue are held until they are
 * acknowledged. It is in no channel yet. False without memory. */
bool lanes_work(struct session *s, struct subscriber *lane, uint32_t credit,
                uint32_t wait_ms);

/* Calls `visit` for each lane that is in a channel and has not retired; it may
 * close that lane. */
void lanes_each(struct session *s,
                void (*visit)(struct subscriber *lane, void *arg), void *arg);

/* Ends a lane at once. False when there is no memory to complete a unit of it
 * that was begun: the session has to end. */
bool lanes_close(struct session *s, struct subscriber *lane);

/* Ends a lane: that of a topic when all it is owed was written, which returns
 * true in *waits. Otherwise like lanes_close. */
bool lanes_finish(struct session *s, struct subscriber *lane, bool *waits);

/* All lanes finish, close, or are gone without a thought for what was begun. */
bool lanes_retire(struct session *s);
bool lanes_leave(struct session *s);
void lanes_abandon(struct session *s);

#endif
