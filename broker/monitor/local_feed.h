/* SPDX-License-Identifier: MIT
 *
 * local_feed - a unix socket at which programs on this machine can watch the
 * feed. Until the first of them connects it costs two descriptors, and nothing
 * of libzmq runs: that may be never.
 */
#ifndef SLUICE_MONITOR_LOCAL_FEED_H
#define SLUICE_MONITOR_LOCAL_FEED_H

#include <stdbool.h>

#include "broker/net/socket_file.h"

struct event;
struct reactor;
struct sentence;

struct local_feed {
    struct socket_file file; /* empty when it is closed */
    int fd;                  /* listens while it is open */
    struct event *event;     /* of the first connection */
    void (*on_connect)(void *arg);
    void *arg;
};

/* Listens at a path. Calls `on_connect` once, from the loop, when a program has
 * connected; whoever accepts it uses a copy of `fd`. *l must stay where it is.
 * False, with the reason and *l closed, when the system refuses. */
bool local_feed_open(struct local_feed *l, struct reactor *r, const char *path,
                     void (*on_connect)(void *arg), void *arg,
                     struct sentence *why);

/* Removes the file. Harmless when *l is closed or all zeros. */
void local_feed_close(struct local_feed *l);

#endif
