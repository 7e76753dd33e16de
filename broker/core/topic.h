/* SPDX-License-Identifier: MIT
 *
 * topic - the kind of channel that gives each message to every subscriber.
 *
 * What a subscriber has not taken waits in its outbox. When a slice does not
 * fit there, one question decides: is the oldest unsent message younger than
 * `patience`? Then the subscriber is busy, and the publishers wait until half
 * of its outbox has gone. Otherwise it is slow: the slice is dropped for it
 * alone, and nobody waits for it until half of its outbox has gone.
 */
#ifndef SLUICE_CORE_TOPIC_H
#define SLUICE_CORE_TOPIC_H

#include "broker/core/channel.h"

extern const struct channel_kind topic_kind;

/* A busy subscriber whose patience is over becomes slow. */
void topic_tick(struct subscriber *s);

#endif
