/* SPDX-License-Identifier: MIT
 *
 * monitoring - ties what watches the broker to what there is to be seen: the
 * monitor knows no sessions and no options, the HTTP server no monitor.
 */
#ifndef SLUICE_BROKER_MONITORING_H
#define SLUICE_BROKER_MONITORING_H

#include <stdbool.h>
#include <stddef.h>

struct http_server;
struct monitor;
struct options;
struct sessions;

struct monitoring {
    struct monitor *monitor;  /* NULL when nobody watches */
    struct http_server *http; /* NULL without --http */
};

/* Opens what the options ask for, if anything. False, with one sentence in
 * `error`, when that is not possible. */
bool monitoring_open(struct monitoring *m, const struct options *o,
                     struct sessions *sessions, char *error, size_t room);

/* Before the core and the sessions are freed. Does nothing when it is closed,
 * or zeroed. */
void monitoring_close(struct monitoring *m);

/* How many descriptors it may need. */
size_t monitoring_descriptors(const struct options *o);

#endif
