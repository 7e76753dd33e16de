/* SPDX-License-Identifier: MIT */
#include "client/printer.h"

#include "client/escape.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void printer_init(struct printer *p, int fd, bool is_raw)
{
    p->fd = fd;
    p->is_terminal = isatty(fd) == 1;
    p->is_raw = is_raw;
    p->used = 0;
}

static bool printer_write(int fd, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written >= 0) {
            bytes += written;
            n -= (size_t)written;
        } else if (errno == EAGAIN) {
            /* Somebody who shares it made it non-blocking. */
            struct pollfd waiting = {.fd = fd, .events = POLLOUT};
            (void)poll(&waiting, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool printer_flush(struct printer *p)
{
    size_t used = p->used;
    p->used = 0;
    return printer_write(p->fd, p->buffer, used);
}

static bool printer_append(struct printer *p, const void *bytes, size_t n)
{
    if (n > sizeof p->buffer - p->used && !printer_flush(p))
        return false;
    if (n >= sizeof p->buffer)
        return printer_write(p->fd, bytes, n);
    if (n > 0)
        memcpy(p->buffer + p->used, bytes, n);
    p->used += n;
    return true;
}

static bool printer_append_escaped(struct printer *p,
                                   struct sluice_bytes message)
{
    const uint8_t *at = message.data;
    for (size_t left = message.length; left > 0;) {
        char shown[ESCAPE_BYTES];
        size_t shown_length;
        size_t taken = escape_next(at, left, shown, &shown_length);
        if (!printer_append(p, shown, shown_length))
            return false;
        at += taken;
        left -= taken;
    }
    return true;
}

bool printer_put(struct printer *p, struct sluice_bytes message)
{
    bool is_put = p->is_terminal
                      ? printer_append_escaped(p, message)
                      : printer_append(p, message.data, message.length);
    return is_put && (p->is_raw || printer_append(p, "\n", 1));
}
