/* SPDX-License-Identifier: MIT */
#include "client/monitor/watcher.h"

#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/lib/permission.h"
#include "client/stop_signal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    WATCHER_PATIENCE_MS = 3000,
    WATCHER_REASON_BYTES = 256,
    WATCHER_PART_MAX = 1 << 30, /* the longest message there can be */
};

int watcher_open(struct watcher *w, const char *endpoint)
{
    *w = (struct watcher){
        .endpoint = endpoint,
        .context = receiver_context_new(),
        .told_at = sluice_deadline_in(WATCHER_PATIENCE_MS),
    };
    struct receiver_setup setup = {RECEIVER_SUBSCRIBE, false, endpoint,
                                   WATCHER_PART_MAX};
    if (w->context)
        w->receiver = receiver_open(w->context, &setup);
    if (w->receiver)
        return EXIT_DONE;
    int error = errno;
    watcher_close(w);
    errno = error;
    return complain(error == EINVAL || error == EPROTONOSUPPORT ? EXIT_USAGE
                                                                : EXIT_FAILED,
                    "--monitor takes an endpoint such as "
                    "tcp://127.0.0.1:5556, not '%.255s': %s",
                    endpoint, receiver_error());
}

void watcher_close(struct watcher *w)
{
    receiver_close(w->receiver);
    receiver_context_free(w->context);
    w->receiver = NULL;
    w->context = NULL;
}

bool watcher_receive(struct watcher *w, struct receiver_message *message)
{
    if (!receiver_receive(w->receiver, message))
        return false;
    w->has_heard = true;
    w->told_at = -1;
    return true;
}

/* True, with a sentence printed, when the feed is a socket that this user may
 * not use. ZeroMQ does not say so: it tries again. */
static bool watcher_is_denied(const struct watcher *w)
{
    static const char scheme[] = "ipc://";
    if (strncmp(w->endpoint, scheme, strlen(scheme)) != 0)
        return false;
    const char *path = w->endpoint + strlen(scheme);
    char reason[WATCHER_REASON_BYTES];
    if (access(path, R_OK | W_OK) == 0 || errno != EACCES)
        return false;
    sluice_permission_explain(path, reason, sizeof reason);
    complain(EXIT_FAILED, "cannot connect to %s: %s%s%s", w->endpoint,
             strerror(EACCES), *reason ? ": " : "", reason);
    return true;
}

int watcher_complain(struct watcher *w)
{
    w->told_at = -1;
    if (watcher_is_denied(w))
        return EXIT_FAILED;
    return complain(EXIT_FAILED,
                    "no answer from %s; is sluiced running with "
                    "--monitor-bind %s?",
                    w->endpoint, w->endpoint);
}

void watcher_wait(struct watcher *w, int fd, int64_t deadline)
{
    if (w->told_at >= 0 && w->told_at < deadline)
        deadline = w->told_at;
    struct pollfd fds[] = {
        {.fd = receiver_fd(w->receiver), .events = POLLIN},
        {.fd = stop_signal_fd(), .events = POLLIN},
        {.fd = fd, .events = POLLIN},
    };
    int n = poll(fds, sizeof fds / sizeof *fds, sluice_deadline_left(deadline));
    if (n == 0 && w->told_at >= 0 && sluice_deadline_left(w->told_at) == 0)
        watcher_complain(w);
}
