/* SPDX-License-Identifier: MIT */
#include "broker/accept.h"

#include <errno.h>
#include <string.h>

#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/net/listener.h"
#include "broker/session/sessions.h"

static void accept_pause(struct accept *a)
{
    if (a->is_paused)
        return;
    a->is_paused = true;
    a->sessions->wants_descriptor = true;
    counter_add(a->counters, COUNT_accept_pauses, 1);
    log_event(a->log, LOG_WARNING, "accept_paused",
              LOG_TEXT("reason", "max_connections"),
              LOG_U64("connections", a->sessions->count));
    listeners_pause(&a->listeners);
}

void accept_resume(struct accept *a)
{
    if (!a->is_paused)
        return;
    a->sessions->wants_descriptor = a->sessions->count >= a->max_connections;
    if (a->sessions->wants_descriptor)
        return;
    a->is_paused = false;
    log_event(a->log, LOG_INFO, "accept_resumed",
              LOG_U64("connections", a->sessions->count));
    listeners_resume(&a->listeners);
}

void accept_set_limit(struct accept *a, uint32_t max_connections)
{
    a->max_connections = max_connections;
    if (a->sessions->count >= max_connections)
        accept_pause(a);
    else
        accept_resume(a);
}

static void accept_on_accept(void *owner, int fd, const struct sockaddr *peer,
                             socklen_t length)
{
    struct accept *a = owner;
    a->is_failing = false;
    a->sessions->wants_descriptor = false;
    sessions_add(a->sessions, fd, peer, length);
    if (a->sessions->count >= a->max_connections)
        accept_pause(a);
}

/* The listener tries again by itself, so one line is enough. */
static void accept_on_error(void *owner, int err)
{
    struct accept *a = owner;
    counter_add(a->counters, COUNT_accept_pauses, 1);
    if (err == EMFILE || err == ENFILE)
        a->sessions->wants_descriptor = true;
    if (a->is_failing)
        return;
    a->is_failing = true;
    log_event(a->log, LOG_WARNING, "accept_failed",
              LOG_TEXT("reason", strerrorname_np(err)),
              LOG_U64("connections", a->sessions->count));
}

static const struct listener_events accept_events = {accept_on_accept,
                                                     accept_on_error};

void accept_init(struct accept *a, struct reactor *r, struct sessions *sessions,
                 struct counters *counters, struct log *log)
{
    *a =
        (struct accept){.sessions = sessions, .counters = counters, .log = log};
    listeners_init(&a->listeners, r, &accept_events, a, log);
}

void accept_stop(struct accept *a)
{
    listeners_close(&a->listeners);
    a->is_paused = false; /* there is nothing to resume any more */
}
