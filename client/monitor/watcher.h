/* SPDX-License-Identifier: MIT
 *
 * watcher - a command that watches one broker's feed: opens it, waits for it,
 * and complains when there is no answer.
 */
#ifndef SLUICE_CLIENT_MONITOR_WATCHER_H
#define SLUICE_CLIENT_MONITOR_WATCHER_H

#include "client/monitor/receiver.h"

#define WATCHER_DEFAULT_ENDPOINT "tcp://127.0.0.1:5556"
#define WATCHER_ENDPOINT_HELP    "the feed of the broker: its --monitor-bind"

struct watcher {
    const char *endpoint;
    void *context;
    struct receiver *receiver;
    bool has_heard;  /* anything yet */
    int64_t told_at; /* when to complain about silence; -1: done */
};

/* EXIT_DONE, or another status after it has complained. */
int watcher_open(struct watcher *w, const char *endpoint);
void watcher_close(struct watcher *w);

/* The next message, if one is there. */
bool watcher_receive(struct watcher *w, struct receiver_message *message);

/* Waits for messages, a stop signal, or input on `fd` (-1: none), until
 * `deadline` (see client/lib/deadline.h). Complains, once, when nothing has
 * come for a few seconds. */
void watcher_wait(struct watcher *w, int fd, int64_t deadline);

/* Complains that there is no answer; returns EXIT_FAILED. */
int watcher_complain(struct watcher *w);

#endif
