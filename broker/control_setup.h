/* SPDX-License-Identifier: MIT
 *
 * control_setup - opens the broker's control socket, and connects it to the
 * broker's parts. It is a unix socket of its own that speaks HTTP: what it
 * permits must not be reachable over a network, by the broker's port or by
 * --http.
 */
#ifndef SLUICE_BROKER_CONTROL_SETUP_H
#define SLUICE_BROKER_CONTROL_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/control/control.h"

struct broker_view;
struct clients;
struct http_server;
struct listeners;
struct options;
struct sentence;

struct control_setup {
    struct control control;
    struct http_server *http; /* NULL when it is off */
};

/* Opens what --control asks for: unless it names a path, one socket for the
 * first TCP address and one for the first unix socket of `listeners`, as
 * local_place.h says; where that is not possible, a line of the log has the
 * reason. The parts in `parts`, and `clients`, are borrowed. False, with one
 * sentence, when a path was named and cannot be used. */
bool control_setup_open(struct control_setup *s, const struct options *o,
                        const struct broker_view *parts,
                        struct clients *clients,
                        const struct listeners *listeners,
                        struct sentence *why);

/* Logs where it listens, if it does. */
void control_setup_log(const struct control_setup *s);

/* Call this before the core and the sessions are freed. Does nothing when `s`
 * is closed or zeroed. */
void control_setup_close(struct control_setup *s);

/* How many descriptors it may need. */
size_t control_setup_descriptors(const struct options *o);

#endif
