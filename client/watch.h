/* SPDX-License-Identifier: MIT
 *
 * watch - waits for whatever a command cares about: its connection, a stop
 * signal, one more descriptor, a time.
 */
#ifndef SLUICE_CLIENT_WATCH_H
#define SLUICE_CLIENT_WATCH_H

#include <stdbool.h>

struct watch {
    const struct sluice *s; /* NULL: no connection */
    int fd;                 /* -1: none */
    short events;           /* of fd; 0 still reports errors */
    bool is_stopping;       /* the stop signal is known, do not report it */
    int timeout_ms;         /* -1: for ever */
};

/* Returns when any of it happened, 0, or what happened to `fd` (poll(2)). A
 * caller finds out the rest by asking; it may find nothing. */
short watch_wait(const struct watch *w);

#endif
