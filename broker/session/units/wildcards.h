/* SPDX-License-Identifier: MIT
 *
 * wildcards - subscriptions to patterns with a wildcard. They are resolved to
 * lanes when a channel or a subscription appears; a message costs nothing. To
 * begin or end one is an errand, see errands.h: it may take more than one turn,
 * and until it is done the session is not read.
 */
#ifndef SLUICE_SESSION_UNITS_WILDCARDS_H
#define SLUICE_SESSION_UNITS_WILDCARDS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/core/interests.h"
#include "proto/pattern.h"

struct channel;
struct session;
struct worker;

struct wildcard {
    struct interest interest;
    struct list link; /* of the session's */
    struct session *session;
    struct worker *worker; /* NULL: nothing is acknowledged */
    bool is_pending;       /* it has not come to all channels yet */
};

/* The subscription of the session; NULL when there is none. */
struct wildcard *wildcards_find(const struct session *s,
                                const struct pattern *p);

/* Subscribes; `worker`, if any, is taken. The units' `changing` is NULL when
 * that is done already. False, with nothing taken, when there is no memory. */
bool wildcards_add(struct session *s, const struct pattern *p,
                   struct worker *worker);

/* Ends one; the same. What the answer has to wait for is added to the session's
 * barrier. */
void wildcards_remove(struct wildcard *w);

/* Ends one at once, with all that was not written of it; none of the session's
 * may be changing, and no unit begun of a lane that it alone leads to. */
void wildcards_revoke(struct wildcard *w);

/* All of a session; its lanes stay. */
void wildcards_end(struct session *s);

/* One more pattern leads to the channel. */
void wildcards_join(struct wildcard *w, struct channel *ch, int32_t *work);

#endif
