/* SPDX-License-Identifier: MIT
 *
 * monitor_setup - ties what watches the broker to what there is to be seen:
 * the monitor knows no sessions and no options, the HTTP server no monitor.
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
    struct monitor *monitor;  /* NULL when nobody can watch */
    struct http_server *http; /* NULL without --http */
};

/* Opens what the options ask for, if anything. `parts` has the parts of the
 * broker; what a view needs beside them is added. False, with one sentence,
 * when that is not possible. */
bool monitor_setup_open(struct monitor_setup *m, const struct options *o,
                        const struct broker_view *parts,
                        struct clients *clients, struct sentence *why);

/* Before the core and the sessions are freed. Does nothing when it is closed,
 * or zeroed. */
void monitor_setup_close(struct monitor_setup *m);

/* How many descriptors it may need. */
size_t monitor_setup_descriptors(const struct options *o);

#endif
