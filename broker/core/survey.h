/* SPDX-License-Identifier: MIT
 *
 * survey - a walk over all channels, for whoever watches the broker. It costs
 * time in proportion to channels and subscribers, and changes nothing.
 */
#ifndef SLUICE_CORE_SURVEY_H
#define SLUICE_CORE_SURVEY_H

#include <stdbool.h>

#include "broker/base/clock.h"
#include "broker/base/view.h"

struct core;

/* Shows every channel to `visit`, which may not call the core. VIEW_RECENT
 * counts from the last survey that was `marking`. */
void survey_channels(struct core *c, clock_ms now, bool marking, view_fn *visit,
                     void *arg);

#endif
