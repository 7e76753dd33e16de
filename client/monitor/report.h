/* SPDX-License-Identifier: MIT
 *
 * report - the content of a message: one of the documents of
 * docs/monitoring.md, or what an application reports about itself.
 */
#ifndef SLUICE_CLIENT_MONITOR_REPORT_H
#define SLUICE_CLIENT_MONITOR_REPORT_H

#include "client/monitor/receiver.h"

#include <jansson.h>

/* How documents are written: for json_dumps(). */
#define REPORT_JSON (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12))

enum report_kind {
    REPORT_STATS,
    REPORT_USERS,
    REPORT_CHANNELS,
    REPORT_CLIENTS, /* the last one of an interval */
    REPORT_EVENT,
    REPORT_KINDS,
};

struct report {
    enum report_kind kind;
    bool is_of_broker; /* else of an application: always REPORT_STATS */
    const char *name;  /* of the reporter; belongs to `document` */
    json_t *document;  /* an object; the caller's */
};

/* "stats", "channels", ... */
const char *report_kind_name(enum report_kind kind);

/* The first part of what a broker publishes: "sluice.stats", ... */
const char *report_topic(enum report_kind kind);

/* Whether a text can have no more values than so many documents of a broker,
 * which is cheap to see before it is parsed. */
bool report_is_short(const char *text, size_t length, size_t documents);

/* Reads a message. False when it is not a report; otherwise report_fini() is
 * needed. */
bool report_read(struct report *r, const struct receiver_message *message);

/* Drops what the page does not read of it. False when there is no memory, and
 * nothing is changed. */
bool report_trim(struct report *r);
void report_fini(struct report *r);

/* A number of an object, or 0. */
double report_number(const json_t *object, const char *key);

/* A counter of a broker's stats, or 0. */
double report_counter(const json_t *stats, const char *name);

/* The sum of the counters of a broker's stats that are named dropped_... */
double report_dropped(const json_t *stats);

#endif
