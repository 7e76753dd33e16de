/* SPDX-License-Identifier: MIT */
#include "client/monitor/watcher.h"

#include "client/complain.h"
#include "client/lib/deadline.h"
#include "client/lib/failure.h"
#include "client/lib/permission.h"
#include "client/monitor/poller.h"
#include "client/stop_signal.h"
#include "common/sentence.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    WATCHER_PATIENCE_MS = 3000,
    WATCHER_REASON_BYTES = 256,
    WATCHER_PART_MAX = 1 << 30, /* the longest message there can be */
};

const char *watcher_options_wrong(const struct watcher_options *o)
{
    return o->http && o->monitor
               ? "--http and --monitor (or $SLUICE_MONITOR) name two brokers; "
                 "one is enough"
               : key_options_wrong(&o->keys);
}

static int watcher_denied(const char *path)
{
    char reason[WATCHER_REASON_BYTES];
    sluice_permission_explain(path, reason, sizeof reason);
    return complain(EXIT_FAILED, "cannot connect to ipc://%s: %s%s%s", path,
                    strerror(EACCES), *reason ? ": " : "", reason);
}

/* Sets the endpoint. EXIT_DONE, or another status after it has complained. */
static int watcher_find(struct watcher *w, const struct watcher_options *o)
{
    w->endpoint = o->monitor;
    if (w->endpoint)
        return EXIT_DONE;
    switch (local_endpoint_find(o->target.server, &w->local, &w->absent)) {
    case LOCAL_FOUND:
        w->endpoint = w->local.text;
        w->absent.text[0] = '\0';
        return EXIT_DONE;
    case LOCAL_DENIED:
        return watcher_denied(local_endpoint_path(&w->local));
    case LOCAL_ELSEWHERE:
        return complain(EXIT_USAGE,
                        "--server (or $SLUICE_SERVER): %s; to watch a broker "
                        "elsewhere, name its --monitor-bind with --monitor, or "
                        "let sluice top ask its --http",
                        w->absent.text);
    case LOCAL_ABSENT:
        break;
    }
    w->endpoint = WATCHER_DEFAULT_ENDPOINT;
    return EXIT_DONE;
}

static int watcher_open_poller(struct watcher *w,
                               const struct watcher_options *options)
{
    struct sluice_failure why;
    w->endpoint = options->http;
    w->poller = poller_open(options->http, &options->target, &why);
    return w->poller ? EXIT_DONE
                     : complain_misused_http(why.error, why.sentence);
}

static int watcher_open_receiver(struct watcher *w,
                                 const struct watcher_options *options)
{
    int status = watcher_find(w, options);
    if (status != EXIT_DONE)
        return status;
    struct sentence why;
    bool is_local = w->endpoint == w->local.text; /* this feed has no keys */
    if (!is_local && !keys_load(&w->keys, &options->keys, &why))
        return complain(EXIT_FAILED, "%s", why.text);
    struct receiver_setup setup = {RECEIVER_SUBSCRIBE, false,    w->endpoint,
                                   WATCHER_PART_MAX,   &w->keys, NULL};
    w->context = receiver_context_new();
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
                    w->endpoint, receiver_error());
}

int watcher_open(struct watcher *w, const struct watcher_options *options)
{
    *w = (struct watcher){
        .told_at = sluice_deadline_in(WATCHER_PATIENCE_MS),
    };
    return options->http ? watcher_open_poller(w, options)
                         : watcher_open_receiver(w, options);
}

void watcher_close(struct watcher *w)
{
    poller_close(w->poller);
    receiver_close(w->receiver);
    receiver_context_free(w->context);
    w->poller = NULL;
    w->receiver = NULL;
    w->context = NULL;
}

bool watcher_receive(struct watcher *w, struct receiver_message *message)
{
    if (!(w->poller ? poller_receive(w->poller, message)
                    : receiver_receive(w->receiver, message)))
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
    if (access(path, R_OK | W_OK) == 0 || errno != EACCES)
        return false;
    return watcher_denied(path) != EXIT_DONE;
}

void watcher_subscribe(struct watcher *w, const char *beginning)
{
    if (w->receiver)
        receiver_subscribe(w->receiver, beginning);
}

bool watcher_is_over(const struct watcher *w)
{
    return w->poller && poller_is_over(w->poller);
}

static int watcher_complain_of_poller(const struct watcher *w)
{
    const struct sluice_failure *why = poller_failure(w->poller);
    return why ? complain_failed(why->error, why->sentence)
               : complain(EXIT_FAILED, "no answer from %s", w->endpoint);
}

int watcher_complain(struct watcher *w)
{
    w->told_at = -1;
    if (w->poller)
        return watcher_complain_of_poller(w);
    if (watcher_is_denied(w))
        return EXIT_FAILED;
    if (w->endpoint == w->local.text)
        return complain(EXIT_FAILED, "no answer from %s; is sluiced busy?",
                        w->endpoint);
    if (*w->absent.text)
        return complain(EXIT_FAILED,
                        "%s, and no answer from %s; is sluiced running, and "
                        "without --feed off?",
                        w->absent.text, w->endpoint);
    if (*w->keys.server)
        return complain(EXIT_FAILED,
                        "no answer from %s; does --server-key belong to the "
                        "broker's --monitor-key, and is your public key among "
                        "its --monitor-clients?",
                        w->endpoint);
    return complain(EXIT_FAILED,
                    "no answer from %s; is sluiced running with "
                    "--monitor-bind %s?",
                    w->endpoint, w->endpoint);
}

static struct pollfd watcher_source(const struct watcher *w)
{
    if (!w->poller)
        return (struct pollfd){.fd = receiver_fd(w->receiver),
                               .events = POLLIN};
    int fd = poller_fd(w->poller);
    return (struct pollfd){.fd = fd,
                           .events = fd < 0 ? 0 : poller_events(w->poller)};
}

void watcher_wait(struct watcher *w, int fd, int64_t deadline)
{
    if (w->told_at >= 0 && w->told_at < deadline)
        deadline = w->told_at;
    if (w->poller && poller_due_ms(w->poller) < deadline)
        deadline = poller_due_ms(w->poller);
    struct pollfd fds[] = {
        watcher_source(w),
        {.fd = stop_signal_fd(), .events = POLLIN},
        {.fd = fd, .events = POLLIN},
    };
    int n = poll(fds, sizeof fds / sizeof *fds, sluice_deadline_left(deadline));
    if (n == 0 && w->told_at >= 0 && sluice_deadline_left(w->told_at) == 0)
        watcher_complain(w);
}
