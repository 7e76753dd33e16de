/* SPDX-License-Identifier: MIT
 *
 * closing - the orderly ways out: after a goodbye, and when the broker stops.
 */
#ifndef SLUICE_SESSION_CLOSING_H
#define SLUICE_SESSION_CLOSING_H

#include <stdbool.h>

#include "broker/session/verdict.h"

struct session;

/* The session ends in order, for the reason: LEAVING. */
struct verdict closing_leave(struct session *s, enum reason reason);

/* LEAVING, and the client has taken all it was owed: FINISHING, or it waits
 * until what it published is on disk; then this is due again. */
struct verdict closing_drained(struct session *s);

/* Whether it is LEAVING, and what it published is not on disk yet: an orderly
 * end would say that it is. */
bool closing_awaits_disk(const struct session *s);

/* Whether an orderly end, for this reason, would look like the answer to a
 * goodbye that is not answered, or that may be on its way. */
bool closing_must_reset(const struct session *s, enum reason why);

/* The broker stops: does what the session's protocol does then, unless the
 * session is already ending. */
struct verdict closing_stop(struct session *s);

/* For protocols. The client is not read any more, but gets what it is owed:
 * STOPPED. */
struct verdict closing_hold(struct session *s);

/* The broker has delivered everything: a STOPPED session is FINISHING, and one
 * that was told of the stop is LEAVING. */
struct verdict closing_finish(struct session *s);

/* FINISHING: closes if there is nothing left to wait for. */
struct verdict closing_check(struct session *s);

/* FINISHING, and something can be read. */
struct verdict closing_discard(struct session *s);

/* Whether a session that ends for this reason has got all that it was owed, or
 * wanted no more, and the end cannot be taken for the answer to a goodbye. */
bool closing_is_orderly(const struct session *s, enum reason reason);

/* FINISHING: why the session ends. */
enum reason closing_reason(const struct session *s);

#endif
