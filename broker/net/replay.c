/* SPDX-License-Identifier: MIT */
#include "broker/net/replay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "broker/net/transport.h"

struct replay {
    struct transport transport;
    size_t at, n;
    uint8_t bytes[];
};

static enum stream_status replay_read(struct transport *t, int fd,
                                      const struct iovec *iov, int iovs,
                                      size_t *got)
{
    struct replay *r = (struct replay *)t;
    (void)fd;
    *got = 0;
    for (int i = 0; i < iovs && r->at < r->n; i++) {
        size_t left = r->n - r->at;
        size_t n = iov[i].iov_len < left ? iov[i].iov_len : left;
        memcpy(iov[i].iov_base, r->bytes + r->at, n);
        r->at += n;
        *got += n;
    }
    t->is_spent = r->at == r->n;
    return STREAM_OK;
}

static enum stream_status replay_write(struct transport *t, int fd,
                                       const struct iovec *iov, int iovs,
                                       size_t *put)
{
    return transport_write(t->below, fd, iov, iovs, put);
}

static void replay_shutdown(struct transport *t, int fd)
{
    (void)t;
    (void)fd;
}

static size_t replay_held(const struct transport *t)
{
    const struct replay *r = (const struct replay *)t;
    return r->n - r->at;
}

static size_t replay_unconfirmed(const struct transport *t)
{
    (void)t;
    return 0;
}

static void replay_close(struct transport *t)
{
    free(t);
}

static const struct transport_ops replay_ops = {
    .read = replay_read,
    .write = replay_write,
    .shutdown = replay_shutdown,
    .held = replay_held,
    .unconfirmed = replay_unconfirmed,
    .close = replay_close,
};

struct transport *replay_new(const uint8_t *bytes, size_t n)
{
    assert(n > 0);
    struct replay *r = malloc(sizeof *r + n);
    if (!r)
        return NULL;
    *r = (struct replay){.transport = {.ops = &replay_ops}, .n = n};
    memcpy(r->bytes, bytes, n);
    return &r->transport;
}
