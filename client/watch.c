/* SPDX-License-Identifier: MIT */
#include "client/watch.h"

#include "client/sluice.h"
#include "client/stop_signal.h"

#include <poll.h>

/* `s` may be NULL. */
static struct pollfd watch_connection(const struct sluice *s)
{
    if (!s)
        return (struct pollfd){.fd = -1};
    return (struct pollfd){.fd = sluice_fd(s), .events = sluice_events(s)};
}

short watch_wait(const struct watch *w)
{
    struct pollfd fds[] = {
        {.fd = w->fd, .events = w->events},
        watch_connection(w->s),
        watch_connection(w->other),
        {.fd = w->is_stopping ? -1 : stop_signal_fd(), .events = POLLIN},
    };
    if (poll(fds, sizeof fds / sizeof *fds, w->timeout_ms) <= 0)
        return 0;
    return fds[0].revents;
}
