/* SPDX-License-Identifier: MIT */
#include "broker/base/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES = 512 };

/* A path, or a name in the abstract namespace, which begins with '@'. */
static bool notify_set_address(struct notify *n, const char *name)
{
    size_t length = strlen(name);
    if (length < 2 || (name[0] != '/' && name[0] != '@')) {
        errno = EINVAL;
        return false;
    }
    if (length >= sizeof n->address.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    n->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(n->address.sun_path, name, length);
    if (name[0] == '@')
        n->address.sun_path[0] = '\0';
    n->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

bool notify_init(struct notify *n)
{
    const char *name = getenv("NOTIFY_SOCKET");
    *n = (struct notify){.fd = -1};
    if (!name)
        return true;
    if (!notify_set_address(n, name))
        return false;
    unsetenv("NOTIFY_SOCKET"); /* `name` is gone with it */
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return n->fd >= 0;
}

void notify_fini(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

bool notify_send(struct notify *n, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list list;
    if (n->fd < 0)
        return true;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (length < 0)
        return false;
    size_t size = strlen(text);
    return sendto(n->fd, text, size, MSG_NOSIGNAL,
                  (const struct sockaddr *)&n->address, n->length) >= 0;
}

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

/* What is in the environment may be meant for a parent of ours. */
static bool is_for_us(const char *name)
{
    uint64_t pid;
    return take_number(name, &pid) && pid == (uint64_t)getpid();
}

uint32_t notify_watchdog_ms(void)
{
    uint64_t usec;
    if (!take_number("WATCHDOG_USEC", &usec) || usec == 0 ||
        (getenv("WATCHDOG_PID") && !is_for_us("WATCHDOG_PID")))
        return 0;
    uint64_t ms = usec / 1000;
    return ms == 0 ? 1 : ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

int notify_take_sockets(void)
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
