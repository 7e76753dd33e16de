/* SPDX-License-Identifier: MIT
 *
 * subject - the broker as those see it who report on it: its name, its
 * numbers, and ways to walk over its channels and clients.
 */
#ifndef SLUICE_MONITOR_SUBJECT_H
#define SLUICE_MONITOR_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/view.h"
#include "broker/monitor/marks.h"

struct budget;
struct core;
struct counters;
struct log;
struct reactor;

/* One of the ways in which connections end. */
struct subject_reason {
    const char *name;
    uint64_t closed;
};

struct subject {
    const char *name;  /* as people call it */
    const char *color; /* as in CSS */
    uint32_t interval_ms;
    struct reactor *reactor;
    struct core *core;
    struct counters *counters;
    struct budget *budget;
    struct log *log;
    /* The i-th reason; false when there are no more. */
    bool (*reason)(void *arg, size_t i, struct subject_reason *out);
    /* Shows every client; see roster.h. */
    void (*each_client)(void *arg, view_fn *visit, void *visit_arg);
    void *arg; /* for both */

    /* The monitor's own. */
    uint64_t seq;      /* of the last documents */
    uint64_t begun_us; /* when the monitor was made, and */
    uint64_t last_us;  /* when the last documents were, monotonic */
    uint64_t last_cpu_us;
    double cpu_percent; /* between the last two */
    bool is_stopping;
    struct marks channels, clients; /* at the last documents about them */
};

/* A new set of documents is due: measures, and counts it. */
void subject_advance(struct subject *s);

/* Measures what can be measured at any time. */
void subject_measure(struct subject *s);

double subject_uptime_s(const struct subject *s);

#endif
