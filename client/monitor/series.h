/* SPDX-License-Identifier: MIT
 *
 * series - the values drawn over time, declared once: how each is computed from
 * the reports of a broker or an application.
 */
#ifndef SLUICE_CLIENT_MONITOR_SERIES_H
#define SLUICE_CLIENT_MONITOR_SERIES_H

#include "client/monitor/report.h"

enum series {
    SERIES_IN,
    SERIES_OUT,
    SERIES_DROPPED,
    SERIES_QUEUED,
    SERIES_MEMORY,
    SERIES_MEMORY_LIMIT,
    SERIES_LAG,
    SERIES_CONNECTIONS,
    SERIES_PAUSED,
    SERIES_CPU,
    SERIES_MEM,
    SERIES,
};

struct series_sample {
    double value[SERIES]; /* NAN: not reported */
};

/* "in", "out", ... */
const char *series_name(enum series series);

/* `before` is the stats before these, or NULL: rates need them. */
void series_measure(struct series_sample *out, const struct report *now,
                    const json_t *before);

#endif
