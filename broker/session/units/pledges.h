/* SPDX-License-Identifier: MIT
 *
 * pledges - messages of queues whose units a transport has taken, and the
 * kernel has not. They stay in the outboxes of their lanes, before what was not
 * taken, and go back to their queues when the client dies:
 *
 *     outbox   [ pledged ][ begun ][ waits ]
 *
 * Whatever else is taken counts as sent.
 */
#ifndef SLUICE_SESSION_UNITS_PLEDGES_H
#define SLUICE_SESSION_UNITS_PLEDGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backlog;
struct pledges;
struct session;
struct subscriber;

/* A message in an outbox: which of which slice, and at which byte of that. */
struct pledges_place {
    uint32_t slice, message, offset;
};

/* Where in an outbox what is pledged of it ends. */
struct pledges_place pledges_place(const struct backlog *outbox);

/* Makes room for so many messages more. False without memory: then what was
 * pledged counts as sent, and nothing may be added. */
bool pledges_reserve(struct session *s, uint32_t messages);

/* Adds the next message of a lane, `bytes` of its outbox, whose unit ends so
 * many bytes behind what was taken before. There must be room. */
void pledges_add(struct session *s, struct subscriber *lane, uint64_t number,
                 uint32_t bytes, size_t end);

/* A write has taken so many bytes more: what the kernel has now is sent. */
void pledges_progress(struct session *s, size_t taken);

/* All that ends in them was added. */
void pledges_taken(struct session *s, size_t bytes);

/* What the kernel has got since the last write is sent; there must be some. */
void pledges_settle(struct session *s);

/* The lane ends, and its client goes on: it will get what is pledged, which has
 * to be nobody else's unless it could be acknowledged. */
void pledges_leave(struct session *s, const struct subscriber *lane);

/* The client gets nothing more: what the kernel has is sent, the rest is not
 * pledged any more. */
void pledges_end(struct session *s);

#endif
