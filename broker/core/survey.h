/* SPDX-License-Identifier: MIT
 *
 * survey - a walk over all channels, for whoever watches the broker. It costs
 * time in proportion to channels and subscribers, and changes nothing.
 */
#ifndef SLUICE_CORE_SURVEY_H
#define SLUICE_CORE_SURVEY_H

#include "broker/base/clock.h"
#include "broker/base/view.h"

struct core;
struct subscriber;

/* Shows every channel to `visit`, which may not call the core. */
void survey_channels(const struct core *c, clock_ms now, view_fn *visit,
                     void *arg);

/* Writes into *v the bounds of what may wait for the subscriber, 0 where there
 * is no bound. It may be in no channel. */
void survey_limits_of_subscriber(struct view *v, const struct subscriber *s);

#endif
