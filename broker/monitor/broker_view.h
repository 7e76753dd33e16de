/* SPDX-License-Identifier: MIT
 *
 * broker_view - the broker as its watchers see it: its name, its numbers, and
 * ways to walk over its channels and clients. All reports are made from this.
 */
#ifndef SLUICE_MONITOR_BROKER_VIEW_H
#define SLUICE_MONITOR_BROKER_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/view.h"

struct budget;
struct core;
struct counters;
struct durations;
struct log;
struct reactor;
struct user_limits;

/* One of the reasons for which connections end, or handshakes fail. */
struct broker_view_reason {
    const char *name;
    uint64_t count; /* so far */
};

/* A user that has connections, or was denied something. */
struct broker_view_user {
    const char *name; /* NULL: all that have no report of their own */
    uint64_t users;   /* how many these are */
    uint64_t connections;
    uint64_t memory_bytes; /* held by them, of those with a limit of that */
    uint64_t denied;       /* times */
    const struct user_limits *limits; /* NULL without a name */
};

/* What a walk over users calls for each; `u` is valid until it returns. */
typedef void broker_view_user_fn(void *arg, const struct broker_view_user *u);

struct broker_view {
    const char *name;  /* that watchers show */
    const char *color; /* as in CSS */
    uint32_t interval_ms;
    struct reactor *reactor;
    struct core *core;
    struct counters *counters;
    struct budget *budget;
    struct log *log;
    /* The i-th reason of a connection's end, or of a handshake's; false when
     * there are no more. */
    bool (*reason)(void *arg, size_t i, struct broker_view_reason *out);
    bool (*tls_fault)(void *arg, size_t i, struct broker_view_reason *out);
    /* How long handshakes took. */
    const struct durations *(*tls_durations)(void *arg);
    /* Calls `visit` for each user, of a bounded number. */
    void (*show_users)(void *arg, broker_view_user_fn *visit, void *visit_arg);
    /* A walk over the clients in pieces: begins one; calls `visit` for the next
     * `count` clients, and returns false when there are no more. */
    void (*begin_clients)(void *arg);
    bool (*show_clients)(void *arg, size_t count, view_fn *visit,
                         void *visit_arg);
    void *arg; /* for all of these */
    /* Sets counters that are measured elsewhere; NULL: there are none. */
    void (*measure)(void *measured);
    void *measured;

    /* The monitor's own. */
    uint64_t seq;      /* of the last documents */
    uint64_t begun_us; /* when the monitor started, and */
    uint64_t last_us;  /* when the last documents were due, monotonic */
    uint64_t last_cpu_us;
    double cpu_percent; /* between the last two */
    bool is_stopping;
};

/* A new set of documents is due: assigns its number and measures. */
void broker_view_advance(struct broker_view *b);

/* Sets the gauges, which are measured and not counted. */
void broker_view_measure(struct broker_view *b);

/* Since the monitor started. */
double broker_view_uptime_s(const struct broker_view *b);

#endif
