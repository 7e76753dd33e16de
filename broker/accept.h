/* SPDX-License-Identifier: MIT
 *
 * accept - takes in connections, as many as may be open. It pauses when there
 * are that many and resumes when one has gone; while a connection cannot be
 * had, for that or for lack of a descriptor, sessions are asked to free one.
 */
#ifndef SLUICE_BROKER_ACCEPT_H
#define SLUICE_BROKER_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/listeners.h"

struct counters;
struct log;
struct reactor;
struct sessions;

struct accept {
    struct listeners listeners;
    struct sessions *sessions;
    struct counters *counters;
    struct log *log;
    uint32_t max_connections; /* 0 until it is set */
    bool is_paused;
    bool is_failing; /* nothing was accepted since it failed */
};

/* All pointers are borrowed. Nothing listens yet. */
void accept_init(struct accept *a, struct reactor *r, struct sessions *sessions,
                 struct counters *counters, struct log *log);

/* How many connections may be open, from now on: pauses or resumes. More than
 * that stay open. */
void accept_set_limit(struct accept *a, uint32_t max_connections);

/* A connection has gone. */
void accept_resume(struct accept *a);

/* Closes all listeners, for good. */
void accept_stop(struct accept *a);

#endif
