/* SPDX-License-Identifier: MIT
 *
 * channel_views - channels seen from outside. Showing them costs time in
 * proportion to channels and subscribers, and changes nothing.
 */
#ifndef SLUICE_CORE_CHANNEL_VIEWS_H
#define SLUICE_CORE_CHANNEL_VIEWS_H

#include "broker/base/clock.h"
#include "broker/base/view.h"

struct core;
struct subscriber;

/* Shows every channel to `visit`, which may not call the core. */
void channel_views_show(const struct core *c, clock_ms now, view_fn *visit,
                        void *arg);

/* Writes into *v the bounds of what may wait for the subscriber, 0 where there
 * is no bound. It may be in no channel. */
void channel_views_limits_of(struct view *v, const struct subscriber *s);

#endif
