/* SPDX-License-Identifier: MIT */
#include "client/watch.h"

#include "client/stop_signal.h"

#include <poll.h>

short watch_wait(const struct watch *w)
{
    struct pollfd fds[] = {
        {.fd = w->fd, .events = w->events},
        {.fd = w->s ? sluice_fd(w->s) : -1,
         .events = w->s ? sluice_events(w->s) : (short)0},
        {.fd = w->is_stopping ? -1 : stop_signal_fd(), .events = POLLIN},
    };
    if (poll(fds, sizeof fds / sizeof *fds, w->timeout_ms) <= 0)
        return 0;
    return fds[0].revents;
}
