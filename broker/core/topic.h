/* SPDX-License-Identifier: MIT
 *
 * topic - the kind of channel that gives each message to every subscriber.
 *
 * Messages that a subscriber has not taken wait in its outbox. When the outbox
 * is over its bound after the socket was offered all of it, the policy of the
 * channel decides (topic_policy.h). By default, the subscriber is busy if its
 * oldest unsent message is younger than `patience`, or if it took as much as
 * its bound within that time; the publishers then wait until half of its outbox
 * has gone. Otherwise it is slow: publishers do not wait for it, and the
 * excess, as well as messages that come until half of its outbox has gone, are
 * dropped for it alone. Patience is earned: how long a topic waits in vain is
 * bounded, see patience.h.
 *
 * While it has no subscriber, a topic keeps the newest `hold` messages of its
 * rule, if any, for its first subscriber.
 */
#ifndef SLUICE_CORE_TOPIC_H
#define SLUICE_CORE_TOPIC_H

#include "broker/base/counters.h"
#include "broker/core/backlog_drop.h"
#include "broker/core/channel.h"
#include "broker/core/subscriber.h"

extern const struct channel_kind topic_kind;

/* A busy subscriber becomes slow when it is not to be waited for any longer. */
void topic_tick_busy(struct subscriber *s);

/* Topics that existed only to remember what their patience was spent on are
 * touched when it is full again. */
void topic_tick_wary(struct turn *t);

/* For the policies. */

/* All changes of a topic subscriber's state. */
void topic_set_state(struct subscriber *s, enum subscriber_state state);

/* Whether publishers should wait for it, its outbox being over its bound. */
bool topic_may_wait(const struct subscriber *s);

/* Reduces its outbox to at most so much; what it loses is counted as `why`. */
void topic_drop(struct subscriber *s, backlog_drop_fn *drop, uint64_t bytes,
                uint64_t messages, enum counter_id why);

#endif
