/* SPDX-License-Identifier: MIT
 *
 * watch - waits for what concerns a command: its connections, a stop signal,
 * one more descriptor, a time.
 */
#ifndef SLUICE_CLIENT_WATCH_H
#define SLUICE_CLIENT_WATCH_H

#include <stdbool.h>

struct watch {
    const struct sluice *s, *other; /* NULL: no connection */
    int fd;                         /* -1: none */
    short events;                   /* of fd; 0 still reports errors */
    bool is_stopping; /* the stop signal is known: do not wake for it */
    int timeout_ms;   /* -1: forever */
};

/* Waits until any of them is ready. Returns the events of `fd` (poll(2)), or 0.
 * The caller checks the others itself, and may find nothing. */
short watch_wait(const struct watch *w);

#endif
