/* SPDX-License-Identifier: MIT
 *
 * reporters - all reporters, and the last events of all brokers. Both are
 * bounded: when there are too many reporters, the one that has been silent
 * longest is dropped.
 */
#ifndef SLUICE_CLIENT_MONITOR_REPORTERS_H
#define SLUICE_CLIENT_MONITOR_REPORTERS_H

#include "client/monitor/reporter.h"

enum { REPORTERS_MAX = 64, REPORTERS_EVENTS_MAX = 200 };

struct reporters {
    size_t count;
    struct reporter *reporter[REPORTERS_MAX];
    json_t *events; /* an array, the oldest first */
};

/* False when there is no memory. */
bool reporters_init(struct reporters *all);
void reporters_fini(struct reporters *all);

/* Keeps what was reported and returns its reporter. NULL when it is not news,
 * or when there is no room for one more reporter, as all still report. */
struct reporter *reporters_take(struct reporters *all, const struct report *r,
                                int64_t now_ms);

#endif
