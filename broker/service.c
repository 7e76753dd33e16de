/* SPDX-License-Identifier: MIT */
#include "broker/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "broker/base/log.h"
#include "broker/net/reactor.h"
#include "common/sentence.h"

enum {
    TEXT_BYTES = 512,
    RECOVERY_USEC = 600 * 1000 * 1000,
};

/* The environment. */

static bool take_number(const char *name, uint64_t *value)
{
    const char *text = getenv(name);
    char *end;
    if (!text || *text < '0' || *text > '9')
        return false;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

/* The variable may have been set for a parent process. */
static bool is_for_us(const char *name)
{
    uint64_t pid;
    return take_number(name, &pid) && pid == (uint64_t)getpid();
}

/* The longest interval between pings that the manager accepts, in ms; 0: it
 * wants none. */
static uint32_t watchdog_ms(void)
{
    uint64_t usec;
    if (!take_number("WATCHDOG_USEC", &usec) || usec == 0 ||
        (getenv("WATCHDOG_PID") && !is_for_us("WATCHDOG_PID")))
        return 0;
    uint64_t ms = usec / 1000;
    return ms == 0 ? 1 : ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

int service_take_sockets(void)
{
    uint64_t count = 0;
    if (!is_for_us("LISTEN_PID") || !take_number("LISTEN_FDS", &count) ||
        count > INT32_MAX)
        count = 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return (int)count;
}

/* A path, or a name in the abstract namespace, which begins with '@'. */
static bool service_set_address(struct service *s, const char *name)
{
    size_t length = strlen(name);
    if (length < 2 || (name[0] != '/' && name[0] != '@')) {
        errno = EINVAL;
        return false;
    }
    if (length >= sizeof s->address.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    s->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(s->address.sun_path, name, length);
    if (name[0] == '@')
        s->address.sun_path[0] = '\0';
    s->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

static bool service_open(struct service *s)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (!name)
        return true;
    if (!service_set_address(s, name))
        return false;
    unsetenv("NOTIFY_SOCKET"); /* `name` is gone with it */
    s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return s->fd >= 0;
}

/* Notifying. */

/* Never waits. */
__attribute__((format(printf, 2, 3))) static void
service_notify(struct service *s, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list list;
    if (s->fd < 0)
        return;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (sendto(s->fd, text, strlen(text), MSG_NOSIGNAL,
               (const struct sockaddr *)&s->address, s->length) < 0)
        log_event(s->log, LOG_WARNING, "notify_failed",
                  LOG_TEXT("reason", strerrorname_np(errno)));
}

/* Pings twice as often as required. A loop that is stuck does not get here, and
 * the manager starts another broker. */
static void service_on_watchdog(void *arg)
{
    struct service *s = arg;
    service_notify(s, "WATCHDOG=1");
    (void)reactor_timer_start(s->watchdog, s->ping_ms);
}

bool service_init(struct service *s, struct reactor *r, struct log *log,
                  struct sentence *why)
{
    *s = (struct service){.fd = -1, .log = log};
    if (!service_open(s))
        return sentence_fail(why, "NOTIFY_SOCKET: %s", strerror(errno));
    uint32_t ms = watchdog_ms();
    if (ms == 0 || s->fd < 0)
        return true;
    s->ping_ms = ms > 1 ? ms / 2 : 1;
    s->watchdog = reactor_timer_new(r, service_on_watchdog, s);
    return s->watchdog ||
           sentence_fail(why, "cannot start: %s", strerror(errno));
}

void service_fini(struct service *s)
{
    reactor_timer_free(s->watchdog);
    s->watchdog = NULL;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

void service_ready(struct service *s, const char *status)
{
    service_notify(s, "READY=1\nSTATUS=%s", status);
    if (s->watchdog && !reactor_timer_is_running(s->watchdog))
        service_on_watchdog(s);
}

void service_reloading(struct service *s)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t usec = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    service_notify(s, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, usec);
}

/* As long as it takes: what a kill would break off would only begin again. */
void service_recovering(struct service *s)
{
    service_notify(s, "STATUS=recovering\nEXTEND_TIMEOUT_USEC=%d",
                   RECOVERY_USEC);
}

void service_stopping(struct service *s, uint64_t ms)
{
    service_notify(s,
                   "STOPPING=1\nSTATUS=delivering what was accepted\n"
                   "EXTEND_TIMEOUT_USEC=%" PRIu64,
                   ms * 1000);
}
