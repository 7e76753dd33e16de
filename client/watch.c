/* SPDX-License-Identifier: MIT */
#include "client/watch.h"

#include "client/sluice.h"
#include "client/stop_signal.h"

#include <poll.h>

short watch_wait(const struct watch *w)
{
    struct pollfd fds[] = {
        {.fd = w->fd, .events = w->events},
        {.fd = -1},
        {.fd = w->is_stopping ? -1 : stop_signal_fd(), .events = POLLIN},
    };
    if (w->s) {
        fds[1].fd = sluice_fd(w->s);
        fds[1].events = sluice_events(w->s);
    }
    if (poll(fds, sizeof fds / sizeof *fds, w->timeout_ms) <= 0)
        return 0;
    return fds[0].revents;
}
