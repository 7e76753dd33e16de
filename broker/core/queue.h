/* SPDX-License-Identifier: MIT
 *
 * queue - the kind of channel that keeps each message until exactly one
 * consumer takes it, first in, first out.
 *
 * The consumer is chosen when a message is handed over: round robin in the
 * order of joining, among those that have room for it (`prefetch`, but at
 * least one message). What a consumer that goes away had not wholly taken
 * comes back to the head. A queue that has reached its limit closes its gate
 * until it has fallen to half.
 */
#ifndef SLUICE_CORE_QUEUE_H
#define SLUICE_CORE_QUEUE_H

#include "broker/core/channel.h"

extern const struct channel_kind queue_kind;

/* How many messages came back from workers that had them; 0 of a topic. */
uint64_t queue_redelivered(const struct channel *ch);

#endif
