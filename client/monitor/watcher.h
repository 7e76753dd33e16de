/* SPDX-License-Identifier: MIT
 *
 * watcher - a command that watches one broker's feed: opens it, waits for it,
 * and complains when there is no answer.
 */
#ifndef SLUICE_CLIENT_MONITOR_WATCHER_H
#define SLUICE_CLIENT_MONITOR_WATCHER_H

#include "client/cli_option.h"
#include "client/monitor/keys.h"
#include "client/monitor/local_endpoint.h"
#include "client/monitor/receiver.h"
#include "client/sluice.h"
#include "client/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a broker's --monitor-bind is by convention. */
#define WATCHER_DEFAULT_ENDPOINT "tcp://127.0.0.1:5556"

/* The options of the commands that use it. */
struct watcher_options {
    struct target target;    /* beside the server, for `http` alone */
    const char *monitor;     /* NULL when not given */
    const char *http;        /* the same */
    struct key_options keys; /* for `monitor` */
};

/* Rows of a table of options; `at` is the offset of a watcher_options in the
 * command's struct. */
#define WATCHER_OPTION_SERVER(at)                                              \
    {                                                                          \
        "server", CLI_OPTION_TEXT,                                             \
            (at) + offsetof(struct watcher_options, target.server), "ADDR",    \
            SLUICE_DEFAULT_SERVER, "SLUICE_SERVER", 0, 0,                      \
            "the broker: host:port, [v6]:port or unix:PATH, of this machine"   \
    }
#define WATCHER_OPTION_MONITOR(at)                                             \
    {                                                                          \
        "monitor", CLI_OPTION_TEXT,                                            \
            (at) + offsetof(struct watcher_options, monitor), "ENDPOINT",      \
            NULL, "SLUICE_MONITOR", 0, 0,                                      \
            "the --monitor-bind of a broker, instead of its local feed"        \
    }

#define WATCHER_OPTION_HTTP(at)                                                \
    {                                                                          \
        "http", CLI_OPTION_TEXT,                                               \
            (at) + offsetof(struct watcher_options, http), "URL", NULL, NULL,  \
            0, 0, "the --http of a broker, wherever it is: https://host:25080" \
    }
#define WATCHER_OPTION_TARGET(at)                                              \
    TARGET_TLS((at) + offsetof(struct watcher_options, target)),               \
        TARGET_LOGIN((at) + offsetof(struct watcher_options, target))

#define WATCHER_OPTION_SERVER_KEY(at)                                          \
    KEY_OPTIONS_SERVER((at) + offsetof(struct watcher_options, keys))
#define WATCHER_OPTION_KEY(at)                                                 \
    KEY_OPTIONS_OWN((at) + offsetof(struct watcher_options, keys))

/* Why they contradict each other, a sentence for the user, or NULL. */
const char *watcher_options_wrong(const struct watcher_options *o);

struct poller;

struct watcher {
    struct keys keys;
    const char *endpoint;
    struct local_endpoint local; /* that it may be */
    struct sentence absent;      /* why it is not; "" */
    void *context;
    struct receiver *receiver; /* NULL: the poller */
    struct poller *poller;     /* NULL: the receiver */
    bool has_heard;            /* anything yet */
    int64_t told_at;           /* when to complain about silence; -1: done */
};

/* Watches the documents or the endpoint in the options, else the local feed of
 * the server, else WATCHER_DEFAULT_ENDPOINT. EXIT_DONE, or another status after
 * it has complained. *w must stay where it is. */
int watcher_open(struct watcher *w, const struct watcher_options *options);
void watcher_close(struct watcher *w);

/* The next message, if one is there. */
bool watcher_receive(struct watcher *w, struct receiver_message *message);

/* Waits for messages, a stop signal, or input on `fd` (-1: none), until
 * `deadline` (see client/lib/deadline.h). Complains, once, when nothing has
 * come for a few seconds. */
void watcher_wait(struct watcher *w, int fd, int64_t deadline);

/* Whether waiting is useless; then watcher_complain() says why. */
bool watcher_is_over(const struct watcher *w);

/* Subscribes to what has this beginning, at a feed. */
void watcher_subscribe(struct watcher *w, const char *beginning);

/* Complains that there is no answer; returns EXIT_FAILED. */
int watcher_complain(struct watcher *w);

#endif
