/* SPDX-License-Identifier: MIT
 *
 * patience - the time that a topic may still spend on waiting for subscribers
 * that then turn out to be stalled.
 *
 *     -most ............... 0 .............. most - 1 s ...... most
 *      for those that have  |  for those that  |  for newcomers
 *      long been healthy    |  take something  |
 *
 * A twentieth of the time that passes is added, and each wait that was in vain
 * is taken away, whether the subscriber was found slow or left. So however many
 * stalled subscribers come, leave and come back, they cost the publishers less
 * than a tenth of their time, and others can still be waited for.
 *
 * Most topics never wait in vain, and pay for a pointer, NULL: all is left.
 * What was spent is remembered until it has been added again, even if nobody is
 * subscribed any more, or a subscriber that leaves and comes back would find a
 * new topic.
 */
#ifndef SLUICE_CORE_PATIENCE_H
#define SLUICE_CORE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/list.h"

struct channel;

struct patience {
    struct list wary; /* in the turn's list */
    struct channel *channel;
    struct patience **home; /* the topic's pointer */
    int32_t left_ms;        /* at `charged_at`; */
    clock_ms charged_at;    /* waits until then have been paid for */
};

/* Whether a wait since `since`, if it ended in vain now, would leave at least
 * `least_ms` of `most_ms`. `p` may be NULL. */
bool patience_allows(const struct patience *p, uint32_t most_ms,
                     int64_t least_ms, clock_ms since, clock_ms now);

/* Whether a wait that began after `since` has been in vain. `p` may be NULL. */
bool patience_was_tried_since(const struct patience *p, clock_ms since,
                              clock_ms now);

/* For the channel whose pointer `home` is, a wait since `since` has ended in
 * vain. Time in which others were waited for as well is charged once. Without
 * memory it is not remembered. */
void patience_charge(struct patience **home, struct channel *ch,
                     uint32_t most_ms, clock_ms since);

/* Forgets what was spent. `p` may be NULL. */
void patience_free(struct patience *p);

/* Whether there is nothing to be remembered any more. */
bool patience_is_full(const struct patience *p, uint32_t most_ms, clock_ms now);

#endif
