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
struct clients;
struct http_server;
struct listeners;
struct monitor;
struct options;
struct sentence;
struct tls;
struct tries;
struct users;

struct monitor_setup {
    struct monitor *monitor;  /* NULL when monitoring is off */
    struct http_server *http; /* NULL without --http */
};

/* Opens the local sockets of the feed, unless --feed turns them off: it names a
 * path, or there is one for the first TCP address and one for the first unix
 * socket of `listeners`, as local_place.h says; where that is not possible, a
 * line of the log has the reason. `parts` has the parts of the broker; this
 * adds what else a view needs. False, with one sentence, when a path was named
 * and cannot be used. */
bool monitor_setup_open(struct monitor_setup *m, const struct options *o,
                        const struct broker_view *parts,
                        struct clients *clients,
                        const struct listeners *listeners,
                        struct sentence *why);

/* Logs the local sockets, and opens what else the options ask for; `tls` and
 * `tries` are for HTTP, as in http/server.h. False, with one sentence, when
 * that is not possible. */
bool monitor_setup_start(struct monitor_setup *m, const struct options *o,
                         const struct broker_view *parts, struct tls *tls,
                         struct tries *tries, struct sentence *why);

/* By whom those are judged from now on that want to watch. False without
 * memory, which is only needed the first time. */
bool monitor_setup_set_users(struct monitor_setup *m, struct users *users);

/* Call this before TLS, the core and the sessions are freed. Does nothing when
 * `m` is closed or zeroed. */
void monitor_setup_close(struct monitor_setup *m);

/* How many descriptors monitoring may need. */
size_t monitor_setup_descriptors(const struct options *o);

#endif
