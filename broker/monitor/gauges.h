/* SPDX-License-Identifier: MIT
 *
 * gauges - numbers that are measured on request, not counted as they happen:
 * memory, processor time, lost log lines. They are rows of the table of
 * counters like all others.
 */
#ifndef SLUICE_MONITOR_GAUGES_H
#define SLUICE_MONITOR_GAUGES_H

struct budget;
struct counters;
struct log;

/* Measures them all and sets them in `counters`. */
void gauges_update(struct counters *counters, const struct budget *budget,
                   const struct log *log);

#endif
