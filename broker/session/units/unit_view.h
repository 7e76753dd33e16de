/* SPDX-License-Identifier: MIT
 *
 * unit_view - a client of version 2 as the broker's watchers see it: sums over
 * all that it reads.
 */
#ifndef SLUICE_SESSION_UNITS_UNIT_VIEW_H
#define SLUICE_SESSION_UNITS_UNIT_VIEW_H

#include "broker/base/clock.h"
#include "broker/base/view.h"

struct session;

/* For session_kind. */
void unit_view(const struct session *s, clock_ms now, struct view *v);

#endif
