/* SPDX-License-Identifier: MIT */
#include "client/lib/wire.h"

#include "client/lib/tls_link.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum sluice_error sluice_wire_secure(struct sluice_wire *w,
                                     struct sluice_trust *trust,
                                     const char *address,
                                     struct sluice_failure *why)
{
    return sluice_tls_link_new(w->fd, trust, address, &w->tls, why);
}

enum sluice_error sluice_wire_shake(struct sluice_wire *w,
                                    struct sluice_failure *why)
{
    return w->tls ? sluice_tls_link_shake(w->tls, why) : SLUICE_OK;
}

void sluice_wire_close(struct sluice_wire *w)
{
    if (w->tls)
        sluice_tls_link_end(w->tls);
    if (w->fd >= 0)
        close(w->fd);
    *w = (struct sluice_wire){.fd = -1};
}

ssize_t sluice_wire_read(struct sluice_wire *w, void *bytes, size_t room)
{
    if (w->tls)
        return sluice_tls_link_read(w->tls, bytes, room);
    ssize_t n;
    do
        n = read(w->fd, bytes, room);
    while (n < 0 && errno == EINTR);
    return n;
}

/* An iovec is for reading and writing, so it cannot be const; sendmsg() only
 * reads. A union, because a cast would need a warning disabled. */
static struct iovec *wire_unconst(const struct iovec *parts)
{
    union {
        const struct iovec *in;
        struct iovec *out;
    } pointer = {.in = parts};
    return pointer.out;
}

ssize_t sluice_wire_write(struct sluice_wire *w, const struct iovec *parts,
                          int count)
{
    if (w->tls)
        return sluice_tls_link_write(w->tls, parts, count);
    struct msghdr message = {.msg_iov = wire_unconst(parts),
                             .msg_iovlen = (size_t)count};
    ssize_t n;
    do
        n = sendmsg(w->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

ssize_t sluice_wire_send(struct sluice_wire *w, const void *bytes, size_t n)
{
    union {
        const void *in;
        void *out;
    } pointer = {.in = bytes};
    const struct iovec part = {pointer.out, n};
    return sluice_wire_write(w, &part, 1);
}

short sluice_wire_events(const struct sluice_wire *w, bool has_output)
{
    if (w->tls)
        return sluice_tls_link_events(w->tls, has_output);
    return has_output ? POLLIN | POLLOUT : POLLIN;
}

bool sluice_wire_has_more(const struct sluice_wire *w)
{
    return w->tls && sluice_tls_link_has_more(w->tls);
}

bool sluice_wire_binding(const struct sluice_wire *w,
                         uint8_t out[SLUICE_WIRE_BINDING], size_t *n)
{
    *n = w->tls ? SLUICE_WIRE_BINDING : 0;
    return *n == 0 || sluice_tls_link_export(w->tls, out, *n);
}

const struct sluice_failure *sluice_wire_failure(const struct sluice_wire *w)
{
    return w->tls ? sluice_tls_link_failure(w->tls) : NULL;
}
