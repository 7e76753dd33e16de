/* SPDX-License-Identifier: MIT
 *
 * control - what an operator on the broker's own machine can see and do, as
 * routes of an HTTP server:
 *
 *   GET  /channels ?after=PLACE         all channels, a line each
 *   GET  /clients ?after=NUMBER         all clients, the same
 *   GET  /messages ?channel=NAME &n=N   the messages that wait in a channel
 *   POST /purge ?channel=NAME           drops them
 *
 * Each answer is bounded, so that it takes less than about a millisecond; a
 * list ends with the place from which another request goes on. It knows no
 * sockets and no sessions.
 */
#ifndef SLUICE_CONTROL_CONTROL_H
#define SLUICE_CONTROL_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "broker/base/view.h"

struct core;
struct http_route;
struct log;
struct reactor;

/* Shows up to `count` clients with numbers above `after`. Returns the number of
 * the last one if there are more, else 0. */
typedef uint64_t control_clients_fn(void *arg, uint64_t after, size_t count,
                                    view_fn *visit, void *visit_arg);

/* Borrowed by the routes' functions as their argument. */
struct control {
    struct core *core;
    struct reactor *reactor;
    struct log *log; /* of who looked at messages, and who dropped them */
    control_clients_fn *clients;
    void *clients_arg;
};

/* The routes; a constant. Their functions take a struct control. */
const struct http_route *control_routes(size_t *count);

#endif
