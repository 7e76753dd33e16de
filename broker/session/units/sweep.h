/* SPDX-License-Identifier: MIT
 *
 * sweep - channels that exist only because wildcards match them are given up
 * when nothing has come for a while. From time to time all channels are looked
 * at, as an errand; one that is stale twice in a row goes.
 */
#ifndef SLUICE_SESSION_UNITS_SWEEP_H
#define SLUICE_SESSION_UNITS_SWEEP_H

struct unit_hub;

enum { SWEEP_PAUSE_MS = 10000 };

/* Nothing is swept yet. */
void sweep_init(struct unit_hub *hub);

/* There is a wildcard: sweeps until there are none. Harmless when repeated. */
void sweep_begin(struct unit_hub *hub);

/* Harmless when it has not begun. */
void sweep_end(struct unit_hub *hub);

#endif
