/* SPDX-License-Identifier: MIT */
#include "broker/supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "broker/base/log.h"
#include "broker/doors.h"
#include "broker/net/reactor.h"

static void supervisor_check(struct supervisor *s, bool is_sent)
{
    if (!is_sent)
        log_event(s->log, LOG_WARNING, "notify_failed",
                  LOG_TEXT("reason", strerrorname_np(errno)));
}

/* Twice as often as is asked for. A loop that is stuck does not get here, and
 * the manager starts another broker. */
static void supervisor_on_watchdog(void *arg)
{
    struct supervisor *s = arg;
    supervisor_check(s, notify_send(&s->notify, "WATCHDOG=1"));
    (void)reactor_timer_start(s->watchdog, s->feed_ms);
}

bool supervisor_init(struct supervisor *s, struct reactor *r, struct log *log,
                     char *error, size_t room)
{
    s->log = log;
    s->watchdog = NULL;
    if (!notify_init(&s->notify)) {
        snprintf(error, room, "NOTIFY_SOCKET: %s", strerror(errno));
        return false;
    }
    uint32_t watchdog_ms = notify_watchdog_ms();
    if (watchdog_ms == 0 || s->notify.fd < 0)
        return true;
    s->feed_ms = watchdog_ms > 1 ? watchdog_ms / 2 : 1;
    s->watchdog = reactor_timer_new(r, supervisor_on_watchdog, s);
    if (!s->watchdog)
        snprintf(error, room, "cannot start: %s", strerror(errno));
    return s->watchdog;
}

void supervisor_fini(struct supervisor *s)
{
    reactor_timer_free(s->watchdog);
    s->watchdog = NULL;
    notify_fini(&s->notify);
}

bool supervisor_pass_sockets(struct doors *doors, char *error, size_t room)
{
    int count = notify_take_sockets();
    if (count > DOORS_INHERITED_MAX) {
        snprintf(error, room,
                 "LISTEN_FDS: %d sockets are too many, %d are "
                 "the most",
                 count, DOORS_INHERITED_MAX);
        return false;
    }
    for (int i = 0; i < count; i++)
        if (!doors_inherit(doors, NOTIFY_FIRST_SOCKET + i, error, room))
            return false;
    return true;
}

void supervisor_ready(struct supervisor *s, const char *status)
{
    supervisor_check(s, notify_send(&s->notify, "READY=1\nSTATUS=%s", status));
    if (s->watchdog && !reactor_timer_is_running(s->watchdog))
        supervisor_on_watchdog(s);
}

void supervisor_reloading(struct supervisor *s)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t usec = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    supervisor_check(
        s,
        notify_send(&s->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, usec));
}

void supervisor_stopping(struct supervisor *s, uint64_t ms)
{
    supervisor_check(
        s, notify_send(&s->notify,
                       "STOPPING=1\nSTATUS=delivering what was accepted\n"
                       "EXTEND_TIMEOUT_USEC=%" PRIu64,
                       ms * 1000));
}
