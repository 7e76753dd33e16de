/* SPDX-License-Identifier: MIT
 *
 * guest - a client that was accepted beyond the bound on connections. A few
 * such places are kept for clients that have not said their first frame, or the
 * publishers that wait for a full queue could take all places, and keep out the
 * consumer that would empty it. A guest that turns out to be one more of these
 * publishers has to go.
 */
#ifndef SLUICE_SESSION_GUEST_H
#define SLUICE_SESSION_GUEST_H

#include <stdbool.h>

struct channel;
struct clients;
struct session;

/* Whether a client that connects now would be a guest. */
bool guest_is_next(const struct clients *all);

/* The session has subscribed to a queue: it may stay. */
void guest_settle(struct session *s);

/* Whether the session is a guest, and can only wait if it publishes to `ch`,
 * which may be NULL. */
bool guest_must_go(const struct session *s, const struct channel *ch);

#endif
