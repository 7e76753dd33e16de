/* SPDX-License-Identifier: MIT
 *
 * metrics - the numbers of the documents in the text format of Prometheus.
 */
#ifndef SLUICE_MONITOR_METRICS_H
#define SLUICE_MONITOR_METRICS_H

#include <stdio.h>

struct broker_view;
struct survey_result;

/* The label of the sum of all channels that are not listed; no encoded name can
 * equal it. */
#define METRICS_REST "%rest"

/* Writes all metrics; the gauges must have been measured. */
void metrics_write(const struct broker_view *b,
                   const struct survey_result *seen, FILE *out);

#endif
