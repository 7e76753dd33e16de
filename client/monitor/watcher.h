/* SPDX-License-Identifier: MIT
 *
 * watcher - a command that looks at one broker's feed: opens it, waits for it,
 * and says so when nobody answers there.
 */
#ifndef SLUICE_CLIENT_MONITOR_WATCHER_H
#define SLUICE_CLIENT_MONITOR_WATCHER_H

#include "client/monitor/feed.h"

#define WATCHER_DEFAULT_ENDPOINT "tcp://127.0.0.1:5556"
#define WATCHER_ENDPOINT_HELP                                                  \
    "where the broker lets itself be watched: its --monitor-bind"

struct watcher {
    const char *endpoint;
    void *context;
    struct feed *feed;
    bool has_heard;  /* anything at all */
    int64_t told_at; /* when to say that nobody answers; -1: it was said */
};

/* EXIT_DONE, or another status when the reason has been told. */
int watcher_open(struct watcher *w, const char *endpoint);
void watcher_close(struct watcher *w);

/* The next message, if one is there. */
bool watcher_receive(struct watcher *w, struct feed_message *message);

/* Waits for messages, a stop signal, or input on `fd` (-1: none), until
 * `deadline` (see client/lib/deadline.h). Complains, once, after a few seconds
 * without a word. */
void watcher_wait(struct watcher *w, int fd, int64_t deadline);

/* Says that nobody answers; returns EXIT_FAILED. */
int watcher_complain(struct watcher *w);

#endif
