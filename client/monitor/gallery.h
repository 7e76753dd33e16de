/* SPDX-License-Identifier: MIT
 *
 * gallery - all reporters, and the last events of all brokers. Both are
 * bounded: of too many reporters the one that has been silent longest goes.
 */
#ifndef SLUICE_CLIENT_MONITOR_GALLERY_H
#define SLUICE_CLIENT_MONITOR_GALLERY_H

#include "client/monitor/reporter.h"

enum { GALLERY_REPORTERS_MAX = 64, GALLERY_EVENTS_MAX = 200 };

struct gallery {
    size_t count;
    struct reporter *reporter[GALLERY_REPORTERS_MAX];
    json_t *events; /* an array, the oldest first */
};

/* False when there is no memory. */
bool gallery_init(struct gallery *g);
void gallery_fini(struct gallery *g);

/* Keeps what was reported; returns who did, or NULL when it is nothing new, or
 * everybody who is known still speaks and there is no room for one more. */
struct reporter *gallery_take(struct gallery *g, const struct report *r,
                              int64_t now_ms);

#endif
