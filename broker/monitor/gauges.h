/* SPDX-License-Identifier: MIT
 *
 * gauges - what is not counted as it happens but measured when somebody asks:
 * memory, processor time, lost log lines. They are rows of the table of
 * counters like all others.
 */
#ifndef SLUICE_MONITOR_GAUGES_H
#define SLUICE_MONITOR_GAUGES_H

struct budget;
struct counters;
struct log;

/* Measures and sets them. */
void gauges_update(struct counters *counters, const struct budget *budget,
                   const struct log *log);

#endif
