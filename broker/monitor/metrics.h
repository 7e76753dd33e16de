/* SPDX-License-Identifier: MIT
 *
 * metrics - the same numbers in the text format of Prometheus.
 */
#ifndef SLUICE_MONITOR_METRICS_H
#define SLUICE_MONITOR_METRICS_H

#include <stdio.h>

struct subject;

/* Channels beyond the hundredth are summed up under this label, which no
 * encoded name can be. */
#define METRICS_REST "%rest"

void metrics_write(const struct subject *s, FILE *out);

#endif
