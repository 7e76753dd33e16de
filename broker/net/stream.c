/* SPDX-License-Identifier: MIT */
#include "broker/net/stream.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/net/reactor.h"

struct stream {
    struct event event;
    struct reactor *reactor;
    union {
        struct {
            const struct stream_events *events;
            void *owner;
        };
        struct deferred deferred; /* CLOSED */
    };
    int fd;
    uint8_t mode; /* enum stream_mode */
    bool wants_write;
    bool has_ended; /* the end was told while resting */
};

static void on_event(evutil_socket_t fd, short what, void *arg);

/* While resting we want to hear of the end and of nothing else. A reset makes
 * epoll report EPOLLERR and EPOLLHUP for ever, which libevent passes on as
 * "readable, writable": without either of them in the set nobody would be
 * called and the loop would spin. So the set is "writable" and, as a socket
 * nearly always is that, edge-triggered: one call when it is set, one per
 * change. EV_CLOSED is EPOLLRDHUP: the peer closed its side (epoll_ctl(2)). */
static short stream_interest(const struct stream *s)
{
    switch ((enum stream_mode)s->mode) {
    case STREAM_READING:
        return (short)(EV_PERSIST | EV_READ | (s->wants_write ? EV_WRITE : 0));
    case STREAM_RESTING:
        return EV_PERSIST | EV_ET | EV_CLOSED | EV_WRITE;
    case STREAM_CLOSED:
        break;
    }
    return 0;
}

static bool stream_listen(struct stream *s)
{
    short interest = stream_interest(s);
    event_del(&s->event);
    if (interest == 0)
        return true;
    event_assign(&s->event, reactor_base(s->reactor), s->fd, interest, on_event,
                 s);
    return event_add(&s->event, NULL) == 0;
}

/* What is written is already gathered from a whole turn, so waiting for more
 * (Nagle) only costs; and a peer that lost its power never says so, so the
 * kernel asks. Unix sockets refuse both, which is fine. */
static void stream_tune(int fd)
{
    int one = 1, idle_s = 60, interval_s = 10, probes = 6;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s,
                     sizeof interval_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

static void stream_free(struct deferred *d)
{
    free((char *)d - offsetof(struct stream, deferred));
}

struct stream *stream_open(struct reactor *r, int fd,
                           const struct stream_events *events, void *owner)
{
    struct stream *s = calloc(1, sizeof *s);
    if (!s) {
        close(fd);
        return NULL;
    }
    s->reactor = r;
    s->events = events;
    s->owner = owner;
    s->fd = fd;
    s->mode = STREAM_READING;
    stream_tune(fd);
    event_assign(&s->event, reactor_base(r), fd, EV_READ, on_event, s);
    if (!stream_listen(s)) {
        close(fd);
        free(s);
        return NULL;
    }
    return s;
}

void stream_close(struct stream *s)
{
    assert(s->mode != STREAM_CLOSED);
    s->mode = STREAM_CLOSED;
    event_del(&s->event);
    close(s->fd);
    s->fd = -1;
    s->deferred.free = stream_free;
    reactor_defer(s->reactor, &s->deferred);
}

void stream_abort_on_close(struct stream *s)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

bool stream_set(struct stream *s, enum stream_mode mode, bool wants_write)
{
    assert(mode != STREAM_CLOSED && s->mode != STREAM_CLOSED);
    if (s->mode == mode && s->wants_write == wants_write)
        return true;
    bool was_resting = s->mode == STREAM_RESTING;
    s->mode = (uint8_t)mode;
    s->wants_write = wants_write;
    if (!was_resting)
        s->has_ended = false; /* told once per rest */
    /* A resting stream hears of room to write anyway; but only a new set
     * makes epoll tell of room that is there already. */
    if (was_resting && mode == STREAM_RESTING && !wants_write)
        return true;
    return stream_listen(s);
}

enum stream_mode stream_get_mode(const struct stream *s)
{
    return s->mode;
}

bool stream_wants_write(const struct stream *s)
{
    return s->wants_write;
}

/* When a reset follows an orderly end, TCP reports EPIPE instead of
 * ECONNRESET (tcp_reset in the kernel's tcp_input.c): what came before that
 * end is complete and can still be read. */
static enum stream_status status_of_error(int err)
{
    if (err == EAGAIN || err == EWOULDBLOCK || err == EINTR || err == ENOBUFS ||
        err == ENOMEM)
        return STREAM_AGAIN;
    return err == EPIPE ? STREAM_END : STREAM_RESET;
}

static int stream_take_error(struct stream *s)
{
    int err = 0;
    socklen_t length = sizeof err;
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &length) < 0)
        return errno;
    return err;
}

static void stream_on_rest(struct stream *s, short what)
{
    int err = stream_take_error(s);
    if (err != 0 && status_of_error(err) == STREAM_RESET) {
        s->events->on_end(s->owner, STREAM_RESET);
        return;
    }
    if ((err != 0 || (what & EV_CLOSED)) && !s->has_ended) {
        s->has_ended = true;
        s->events->on_end(s->owner, STREAM_END);
    }
    if (s->mode != STREAM_CLOSED && s->wants_write && (what & EV_WRITE))
        s->events->on_writable(s->owner);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct stream *s = arg;
    (void)fd;
    if (s->mode == STREAM_RESTING) {
        stream_on_rest(s, what);
        return;
    }
    /* Reading first: after a reset writing fails, but what came before it is
     * still there to be read. */
    if (what & EV_READ)
        s->events->on_readable(s->owner);
    if ((what & EV_WRITE) && s->mode != STREAM_CLOSED && s->wants_write)
        s->events->on_writable(s->owner);
}

enum stream_status stream_read(struct stream *s, const struct iovec *iov,
                               int iovs, size_t *got)
{
    ssize_t n = iovs == 1 ? read(s->fd, iov->iov_base, iov->iov_len)
                          : readv(s->fd, iov, iovs);
    if (n < 0)
        return status_of_error(errno);
    *got = (size_t)n;
    return n == 0 ? STREAM_END : STREAM_OK;
}

enum stream_status stream_write(struct stream *s, const struct iovec *iov,
                                int iovs, size_t *put)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov,
                         .msg_iovlen = (size_t)iovs};
    ssize_t n = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
    if (n < 0)
        return status_of_error(errno);
    *put = (size_t)n;
    return STREAM_OK;
}

void stream_limit_unsent(struct stream *s, uint64_t bytes)
{
    int limit = bytes < INT_MAX ? (int)bytes : INT_MAX;
    (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &limit,
                     sizeof limit);
}

void stream_shutdown(struct stream *s)
{
    (void)shutdown(s->fd, SHUT_WR);
}

static size_t stream_ask(const struct stream *s, unsigned long question)
{
    int n = 0;
    if (ioctl(s->fd, question, &n) < 0 || n < 0)
        return 0;
    return (size_t)n;
}

size_t stream_unread(const struct stream *s)
{
    return stream_ask(s, SIOCINQ);
}

size_t stream_unconfirmed(const struct stream *s)
{
    return stream_ask(s, SIOCOUTQ);
}
