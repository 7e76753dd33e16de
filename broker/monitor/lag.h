/* SPDX-License-Identifier: MIT
 *
 * lag - how late the loop is: a timer fires ten times a second and measures
 * its delay. The last LAG_SAMPLES are kept. libevent waits in whole
 * milliseconds, so a delay of up to one is not a sign of load.
 */
#ifndef SLUICE_MONITOR_LAG_H
#define SLUICE_MONITOR_LAG_H

struct counters;
struct lag;
struct reactor;

enum { LAG_PERIOD_MS = 100, LAG_SAMPLES = 600 };

/* Starts measuring. NULL without memory. */
struct lag *lag_new(struct reactor *r);

void lag_free(struct lag *l); /* NULL is allowed */

/* Sets the gauges loop_lag_*. */
void lag_update(const struct lag *l, struct counters *counters);

#endif
