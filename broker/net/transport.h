/* SPDX-License-Identifier: MIT
 *
 * transport - a layer between a stream and its socket: encryption, for example,
 * or bytes that were read before the stream had its present owner. Transports
 * stack: each reads and writes through the one below it, and NULL is the
 * socket.
 *
 *     stream -> transport -> transport -> NULL
 *
 * A transport neither waits nor calls back.
 */
#ifndef SLUICE_NET_TRANSPORT_H
#define SLUICE_NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "broker/net/stream.h"

struct transport;

/* `fd` is the socket below them all. */
struct transport_ops {
    /* As stream_read and stream_write. */
    enum stream_status (*read)(struct transport *t, int fd,
                               const struct iovec *iov, int iovs, size_t *got);
    enum stream_status (*write)(struct transport *t, int fd,
                                const struct iovec *iov, int iovs, size_t *put);
    /* As stream_pledged, stream_settle and stream_cut. NULL when it pledges
     * nothing. */
    size_t (*pledged)(const struct transport *t);
    size_t (*settle)(struct transport *t);
    void (*cut)(struct transport *t);
    /* Writes what it has kept; called when the socket takes more and it wants
     * to. NULL when it keeps nothing. */
    void (*push)(struct transport *t, int fd);
    /* No more will be written: notifies the peer before the socket is shut
     * down. */
    void (*shutdown)(struct transport *t, int fd);
    /* Bytes that can be read even when nothing comes from below. */
    size_t (*held)(const struct transport *t);
    /* Bytes that were written and that the layer below has not taken. */
    size_t (*unconfirmed)(const struct transport *t);
    /* Frees `t`, but neither the layers below it nor the socket. */
    void (*close)(struct transport *t);
};

/* Embedded as the first member of each kind. */
struct transport {
    const struct transport_ops *ops;
    struct transport *below; /* NULL: the socket */
    struct stream *stream;   /* that it belongs to; set when it is added */
    bool is_spent;           /* has nothing left to do: will be removed */
    bool is_away;            /* wants no bytes: the socket is not watched until
                                stream_wake() */
    bool wants_write;        /* wants to push */
};

/* Reads through *t, which may be NULL; a spent transport there is closed and
 * replaced with the one below. */
enum stream_status transport_read(struct transport **t, int fd,
                                  const struct iovec *iov, int iovs,
                                  size_t *got);

/* Writes through `t`, which may be NULL. */
enum stream_status transport_write(struct transport *t, int fd,
                                   const struct iovec *iov, int iovs,
                                   size_t *put);

/* Whether one of the stack is away, or wants to push. */
bool transport_is_away(const struct transport *t);
bool transport_wants_write(const struct transport *t);

/* For the whole stack below and including `t`, without the socket. */
size_t transport_pledged(const struct transport *t);
size_t transport_settle(struct transport *t);
void transport_cut(struct transport *t);
void transport_push(struct transport *t, int fd);
void transport_shutdown(struct transport *t, int fd);
size_t transport_held(const struct transport *t);
size_t transport_unconfirmed(const struct transport *t);
void transport_close(struct transport *t);

#endif
