/* SPDX-License-Identifier: MIT
 *
 * reporter - a broker or an application that reports on itself: its latest
 * documents, its history, and whether it still reports.
 */
#ifndef SLUICE_CLIENT_MONITOR_REPORTER_H
#define SLUICE_CLIENT_MONITOR_REPORTER_H

#include "client/monitor/past.h"
#include "client/monitor/report.h"

#include <stdbool.h>
#include <stdint.h>

struct reporter {
    char *name;
    bool is_broker, is_silent;
    int64_t heard_ms;   /* of the epoch */
    double interval_ms; /* between its reports */
    json_t *stats;      /* the latest; NULL until the first */
    struct reporter_latest {
        char *text;              /* of the document; NULL until the first */
        json_t *timestamp;       /* of a broker; NULL when it has none */
    } latest[REPORT_KINDS];      /* events are not kept */
    struct series_sample sample; /* of the latest stats */
    struct past past;
};

/* NULL when there is no memory. */
struct reporter *reporter_new(const struct report *r);
void reporter_free(struct reporter *p);

/* Whether this report is one of its own. */
bool reporter_is(const struct reporter *p, const struct report *r);

/* Keeps what was reported. False when it is a repetition: a broker may report
 * here while its feed is watched, too. */
bool reporter_take(struct reporter *p, const struct report *r, int64_t now_ms);

/* True when it has just fallen silent: nothing for three intervals. */
bool reporter_check(struct reporter *p, int64_t now_ms);

#endif
