/* SPDX-License-Identifier: MIT */
#include "broker/net/transport.h"

#include "broker/net/plain.h"

enum stream_status transport_read(struct transport **t, int fd,
                                  const struct iovec *iov, int iovs,
                                  size_t *got)
{
    struct transport *top = *t;
    if (!top)
        return plain_read(fd, iov, iovs, got);
    enum stream_status status = top->ops->read(top, fd, iov, iovs, got);
    if (top->is_spent) {
        *t = top->below;
        top->ops->close(top);
    }
    return status;
}

enum stream_status transport_write(struct transport *t, int fd,
                                   const struct iovec *iov, int iovs,
                                   size_t *put)
{
    return t ? t->ops->write(t, fd, iov, iovs, put)
             : plain_write(fd, iov, iovs, put);
}

size_t transport_pledged(const struct transport *t)
{
    size_t bytes = 0;
    for (; t; t = t->below)
        bytes += t->ops->pledged ? t->ops->pledged(t) : 0;
    return bytes;
}

size_t transport_settle(struct transport *t)
{
    size_t bytes = 0;
    for (; t; t = t->below)
        bytes += t->ops->settle ? t->ops->settle(t) : 0;
    return bytes;
}

void transport_cut(struct transport *t)
{
    for (; t; t = t->below)
        if (t->ops->cut)
            t->ops->cut(t);
}

bool transport_is_away(const struct transport *t)
{
    for (; t; t = t->below)
        if (t->is_away)
            return true;
    return false;
}

bool transport_wants_write(const struct transport *t)
{
    for (; t; t = t->below)
        if (t->wants_write)
            return true;
    return false;
}

void transport_push(struct transport *t, int fd)
{
    for (; t; t = t->below)
        if (t->wants_write)
            t->ops->push(t, fd);
}

void transport_shutdown(struct transport *t, int fd)
{
    for (; t; t = t->below)
        t->ops->shutdown(t, fd);
}

size_t transport_held(const struct transport *t)
{
    size_t bytes = 0;
    for (; t; t = t->below)
        bytes += t->ops->held(t);
    return bytes;
}

size_t transport_unconfirmed(const struct transport *t)
{
    size_t bytes = 0;
    for (; t; t = t->below)
        bytes += t->ops->unconfirmed(t);
    return bytes;
}

void transport_close(struct transport *t)
{
    while (t) {
        struct transport *below = t->below;
        t->ops->close(t);
        t = below;
    }
}
