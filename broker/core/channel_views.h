/* SPDX-License-Identifier: MIT
 *
 * channel_views - channels seen from outside. Showing them costs time in
 * proportion to channels and subscribers, and changes nothing; so they are
 * shown in pieces.
 */
#ifndef SLUICE_CORE_CHANNEL_VIEWS_H
#define SLUICE_CORE_CHANNEL_VIEWS_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/base/clock.h"
#include "broker/base/map.h"
#include "broker/base/view.h"

struct core;
struct subscriber;

/* Of a channel with more members, the oldest so many are looked at, which takes
 * about a millisecond; VIEW_UNSEEN is the number of the others. */
enum { CHANNEL_VIEWS_MEMBERS_MAX = 10000 };

/* Shows the channels in the next `slots` slots of the directory to `visit`,
 * which may not call the core. A walk begins as all zeros and shows each
 * channel that exists throughout it once. False when the walk is over. */
bool channel_views_show(const struct core *c, clock_ms now,
                        struct map_walk *walk, size_t slots, view_fn *visit,
                        void *arg);

/* Writes into *v the bounds of what may wait for the subscriber, 0 where there
 * is no bound. It may be in no channel. */
void channel_views_limits_of(struct view *v, const struct subscriber *s);

#endif
