/* SPDX-License-Identifier: MIT
 *
 * monitor_setup - connects the monitor and the HTTP server to the broker's
 * parts: the monitor knows no sessions and no options, the HTTP server no
 * monitor.
 */
#ifndef SLUICE_BROKER_MONITOR_SETUP_H
#define SLUICE_BROKER_MONITOR_SETUP_H

#include <stdbool.h>
#include <stddef.h>

struct broker_view;
struct http_server;
struct monitor;
struct options;
struct sentence;
struct clients;

struct monitor_setup {
    struct monitor *monitor;  /* NULL when monitoring is off */
    struct http_server *http; /* NULL without --http */
};

/* Opens what the options ask for, if anything. `parts` has the parts of the
 * broker; this adds what else a view needs. False, with one sentence, when that
 * is not possible. */
bool monitor_setup_open(struct monitor_setup *m, const struct options *o,
                        const struct broker_view *parts,
                        struct clients *clients, struct sentence *why);

/* Call this before the core and the sessions are freed. Does nothing when `m`
 * is closed or zeroed. */
void monitor_setup_close(struct monitor_setup *m);

/* How many descriptors monitoring may need. */
size_t monitor_setup_descriptors(const struct options *o);

#endif
