/* SPDX-License-Identifier: MIT
 *
 * plain - reading and writing a socket without a transport. Most streams have
 * none, so this is inline.
 */
#ifndef SLUICE_NET_PLAIN_H
#define SLUICE_NET_PLAIN_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "broker/net/stream.h"

/* When a reset follows an orderly end, TCP reports EPIPE instead of
 * ECONNRESET (tcp_reset in the kernel's tcp_input.c): what came before that
 * end is complete and can still be read. */
static inline enum stream_status plain_status(int err)
{
    if (err == EAGAIN || err == EWOULDBLOCK || err == EINTR || err == ENOBUFS ||
        err == ENOMEM)
        return STREAM_AGAIN;
    return err == EPIPE ? STREAM_END : STREAM_RESET;
}

/* As stream_read. */
static inline enum stream_status plain_read(int fd, const struct iovec *iov,
                                            int iovs, size_t *got)
{
    ssize_t n = iovs == 1 ? read(fd, iov->iov_base, iov->iov_len)
                          : readv(fd, iov, iovs);
    if (n < 0)
        return plain_status(errno);
    *got = (size_t)n;
    return n == 0 ? STREAM_END : STREAM_OK;
}

/* As stream_peek. */
static inline enum stream_status plain_peek(int fd, uint8_t *bytes, size_t n,
                                            size_t *got)
{
    ssize_t peeked = recv(fd, bytes, n, MSG_PEEK);
    if (peeked < 0)
        return plain_status(errno);
    *got = (size_t)peeked;
    return peeked == 0 ? STREAM_END : STREAM_OK;
}

/* As stream_write. */
static inline enum stream_status plain_write(int fd, const struct iovec *iov,
                                             int iovs, size_t *put)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov,
                         .msg_iovlen = (size_t)iovs};
    ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);
    if (n < 0)
        return plain_status(errno);
    *put = (size_t)n;
    return STREAM_OK;
}

#endif
