/* SPDX-License-Identifier: MIT
 *
 * lobby - the sockets of clients that have not begun to work, or only wait for
 * messages. The loop watches them apart from all others and looks at one at a
 * time: ten thousand of them may come, or leave, in the same moment, and what
 * is ready elsewhere must not stand behind all of these.
 */
#ifndef SLUICE_NET_LOBBY_H
#define SLUICE_NET_LOBBY_H

#include <stdbool.h>

struct event;

struct lobby {
    int fd; /* of epoll: readable while something has happened to a socket */
};

/* False when the system refuses, with the reason in errno. */
bool lobby_open(struct lobby *l);

/* Nothing may be watched. */
void lobby_close(struct lobby *l);

/* Watches a socket for `what` (EV_READ, EV_WRITE, EV_CLOSED, EV_ET): then the
 * callback of `event` is called, which need not be in a set. `is_new`: the
 * socket is not watched yet. False when the system refuses. */
bool lobby_watch(const struct lobby *l, int fd, struct event *event, short what,
                 bool is_new);

/* Closing a socket does that, too. */
void lobby_leave(const struct lobby *l, int fd);

/* Calls back for the socket that has waited longest. False when nothing has
 * happened to any. */
bool lobby_step(const struct lobby *l);

#endif
