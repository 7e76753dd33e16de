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

#include "broker/net/lobby.h"
#include "broker/net/plain.h"
#include "broker/net/reactor.h"
#include "broker/net/replay.h"
#include "broker/net/transport.h"

struct stream {
    struct event event; /* of the socket; of a guest: what transports hold */
    struct reactor *reactor;
    union {
        struct {
            const struct stream_events *events;
            void *owner;
        };
        struct deferred deferred; /* CLOSED */
    };
    struct transport *transport; /* NULL: the socket itself */
    int fd;
    uint8_t mode;     /* enum stream_mode */
    uint8_t interest; /* enum stream_wish: what transports wished when the set
                         of events was made */
    bool wants_write : 1;
    bool is_guest : 1;         /* the socket is watched in the lobby, */
    bool is_watched : 1;       /* or will be: not yet */
    bool is_unheard : 1;       /* the system has refused to watch it, once */
    bool has_ended : 1;        /* the end was reported while resting */
    bool is_shut : 1;          /* no more is written: as soon as transports keep
                                  nothing, the peer sees the end of file */
    bool is_reset_on_kill : 1; /* SO_LINGER as the kernel has it, */
    bool is_reset_on_close : 1; /* and as it shall be when we close */
};

enum stream_wish { WISH_AWAY = 1, WISH_WRITE = 2 };

static void on_event(evutil_socket_t fd, short what, void *arg);

/* A resting stream must be notified of the end and of nothing else. A reset
 * makes epoll report EPOLLERR and EPOLLHUP forever, which libevent passes on as
 * "readable, writable": without either of them in the set no callback would run
 * and the loop would spin. So the set is "writable" and, because a socket
 * nearly always is writable, edge-triggered: one call when it is set, one per
 * change. EV_CLOSED is EPOLLRDHUP: the peer closed its side (epoll_ctl(2)). */
static short stream_interest(const struct stream *s)
{
    short write = s->wants_write || (s->interest & WISH_WRITE) ? EV_WRITE : 0;
    if (s->mode == STREAM_RESTING || (s->interest & WISH_AWAY))
        return EV_PERSIST | EV_ET | EV_CLOSED | EV_WRITE;
    if (s->mode == STREAM_ARRIVALS)
        return (short)(EV_PERSIST | EV_ET | EV_CLOSED | EV_READ | write);
    return (short)(EV_PERSIST | EV_READ | write);
}

static uint8_t stream_wishes(const struct stream *s)
{
    if (!s->transport)
        return 0;
    return (uint8_t)((transport_is_away(s->transport) ? WISH_AWAY : 0) |
                     (transport_wants_write(s->transport) ? WISH_WRITE : 0));
}

/* The socket does not report bytes that a transport holds: a timeout does, in
 * the next turn. */
static void stream_offer_held(struct stream *s)
{
    static const struct timeval at_once;
    if (s->transport && s->mode == STREAM_READING &&
        transport_held(s->transport) > 0 && event_add(&s->event, &at_once) != 0)
        event_active(&s->event, EV_TIMEOUT, 0); /* no memory: in this turn */
}

static bool stream_watch(struct stream *s)
{
    event_del(&s->event);
    event_assign(&s->event, reactor_base(s->reactor), s->fd, stream_interest(s),
                 on_event, s);
    return event_add(&s->event, NULL) == 0;
}

static bool stream_watch_guest(struct stream *s)
{
    bool is_new = !s->is_watched;
    s->is_watched = true;
    return lobby_watch(reactor_lobby(s->reactor), s->fd, &s->event,
                       stream_interest(s), is_new);
}

static bool stream_listen(struct stream *s)
{
    s->interest = stream_wishes(s);
    if (!(s->is_guest ? stream_watch_guest(s) : stream_watch(s)))
        return false;
    stream_offer_held(s);
    return true;
}

/* As stream_listen, for callers that cannot end the connection: the loop tries
 * again, and ends it when that fails as well. Nothing else would, of a client
 * that may be silent for ever. */
static void stream_listen_on(struct stream *s)
{
    if (stream_listen(s))
        return;
    s->is_unheard = true;
    event_active(&s->event, EV_TIMEOUT, 0);
}

/* False: the stream has been reported as broken. */
static bool stream_listen_again(struct stream *s)
{
    s->is_unheard = false;
    if (stream_listen(s))
        return true;
    s->events->on_end(s->owner, STREAM_RESET);
    return false;
}

static void stream_leave_lobby(struct stream *s)
{
    if (s->is_guest)
        lobby_leave(reactor_lobby(s->reactor), s->fd);
    s->is_guest = false;
}

/* No more is written: the peer sees the end when transports keep nothing. */
static void stream_finish(struct stream *s)
{
    if (s->is_shut && transport_unconfirmed(s->transport) == 0) {
        s->is_shut = false;
        (void)shutdown(s->fd, SHUT_WR);
    }
}

/* A transport has worked: what it wishes may be another thing now, and what it
 * holds is offered. */
static void stream_review(struct stream *s)
{
    if (s->mode == STREAM_CLOSED || !s->transport)
        return;
    stream_finish(s);
    if (s->interest != stream_wishes(s))
        stream_listen_on(s);
    else
        stream_offer_held(s);
}

/* A write already gathers the output of a whole turn, so waiting for more
 * (Nagle) only costs time. A peer that lost power never reports it, so the
 * kernel probes. Unix sockets refuse both options, which is fine. */
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
    s->is_guest = true;
    stream_tune(fd);
    event_assign(&s->event, reactor_base(r), -1, 0, on_event, s);
    if (!stream_listen(s)) {
        close(fd);
        free(s);
        return NULL;
    }
    return s;
}

static void stream_set_linger(struct stream *s, bool is_reset)
{
    struct linger linger = {.l_onoff = is_reset, .l_linger = 0};
    s->is_reset_on_close = is_reset;
    if (s->is_reset_on_kill != is_reset)
        (void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    s->is_reset_on_kill = is_reset;
}

void stream_close(struct stream *s)
{
    assert(s->mode != STREAM_CLOSED);
    s->mode = STREAM_CLOSED;
    event_del(&s->event);
    transport_close(s->transport);
    s->transport = NULL;
    stream_set_linger(s, s->is_reset_on_close);
    close(s->fd);
    s->fd = -1;
    s->deferred.free = stream_free;
    reactor_defer(s->reactor, &s->deferred);
}

void stream_expect_reset_on_kill(struct stream *s)
{
    s->is_reset_on_kill = true;
}

void stream_abort_on_close(struct stream *s)
{
    stream_set_linger(s, true);
}

void stream_end_on_close(struct stream *s)
{
    stream_set_linger(s, false);
}

void stream_add_transport(struct stream *s, struct transport *t)
{
    assert(s->mode == STREAM_READING);
    t->below = s->transport;
    t->stream = s;
    s->transport = t;
    stream_review(s);
}

void stream_wake(struct stream *s)
{
    stream_review(s);
    if (s->mode == STREAM_READING)
        event_active(&s->event, EV_TIMEOUT, 0);
}

struct transport *stream_transport(const struct stream *s)
{
    return s->transport;
}

bool stream_hand_over(struct stream *s, const struct stream_events *events,
                      void *owner, const uint8_t *bytes, size_t n)
{
    struct transport *replay = n > 0 ? replay_new(bytes, n) : NULL;
    if ((n > 0 && !replay) || !stream_set(s, STREAM_READING, false)) {
        transport_close(replay);
        return false;
    }
    s->events = events;
    s->owner = owner;
    if (replay)
        stream_add_transport(s, replay);
    return true;
}

bool stream_set(struct stream *s, enum stream_mode mode, bool wants_write)
{
    assert(mode != STREAM_CLOSED && s->mode != STREAM_CLOSED);
    if (s->mode == mode && s->wants_write == wants_write)
        return true;
    bool was_resting = s->mode == STREAM_RESTING;
    if (wants_write)
        stream_leave_lobby(s); /* it is sent more than its socket takes */
    s->mode = (uint8_t)mode;
    s->wants_write = wants_write;
    if (!was_resting)
        s->has_ended = false; /* reported once per rest */
    /* A resting stream is notified of room to write anyway, but only a new set
     * makes epoll report room that is already there. */
    if (was_resting && mode == STREAM_RESTING && !wants_write)
        return true;
    return stream_listen(s);
}

void stream_promote(struct stream *s)
{
    if (!s->is_guest || s->mode == STREAM_CLOSED)
        return;
    stream_leave_lobby(s);
    stream_listen_on(s);
}

enum stream_mode stream_get_mode(const struct stream *s)
{
    return s->mode;
}

bool stream_wants_write(const struct stream *s)
{
    return s->wants_write;
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
    if (err != 0 && plain_status(err) == STREAM_RESET) {
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
    (void)fd; /* of a guest's event it is none */
    if (s->is_unheard && !stream_listen_again(s))
        return;
    /* A timeout takes the event out of the set (timeout_process in libevent's
     * event.c), and puts it back only if it has an interval. */
    if ((what & EV_TIMEOUT) && !s->is_guest)
        (void)event_add(&s->event, NULL);
    if ((s->interest & WISH_AWAY) && !(what & EV_TIMEOUT))
        return;
    /* Where the owner waits to write, its write pushes. */
    if ((s->interest & WISH_WRITE) && (what & EV_WRITE) && !s->wants_write) {
        transport_push(s->transport, s->fd);
        stream_review(s);
    }
    if (s->mode == STREAM_RESTING) {
        stream_on_rest(s, what);
        return;
    }
    /* Read first: after a reset writing fails, but input that came before it
     * can still be read. */
    if (what & (EV_READ | EV_TIMEOUT))
        s->events->on_readable(s->owner);
    if ((what & EV_CLOSED) && s->mode == STREAM_ARRIVALS)
        s->events->on_end(s->owner, STREAM_END);
    if ((what & EV_WRITE) && s->mode != STREAM_CLOSED && s->wants_write)
        s->events->on_writable(s->owner);
    if (s->transport)
        stream_review(s);
}

enum stream_status stream_read(struct stream *s, const struct iovec *iov,
                               int iovs, size_t *got)
{
    if (!s->transport)
        return plain_read(s->fd, iov, iovs, got);
    enum stream_status status =
        transport_read(&s->transport, s->fd, iov, iovs, got);
    stream_review(s);
    return status;
}

bool stream_can_peek(const struct stream *s)
{
    return !s->transport;
}

enum stream_status stream_peek(struct stream *s, uint8_t *bytes, size_t n,
                               size_t *got)
{
    assert(stream_can_peek(s));
    return plain_peek(s->fd, bytes, n, got);
}

enum stream_status stream_write(struct stream *s, const struct iovec *iov,
                                int iovs, size_t *put)
{
    if (!s->transport)
        return plain_write(s->fd, iov, iovs, put);
    enum stream_status status =
        transport_write(s->transport, s->fd, iov, iovs, put);
    stream_review(s);
    return status;
}

size_t stream_pledged(const struct stream *s)
{
    return transport_pledged(s->transport);
}

size_t stream_settle(struct stream *s)
{
    return transport_settle(s->transport);
}

size_t stream_kept(const struct stream *s)
{
    return transport_unconfirmed(s->transport);
}

void stream_cut(struct stream *s)
{
    transport_cut(s->transport);
    stream_review(s);
}

void stream_limit_unsent(struct stream *s, uint64_t bytes)
{
    int limit = bytes < INT_MAX ? (int)bytes : INT_MAX;
    (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &limit,
                     sizeof limit);
}

void stream_shutdown(struct stream *s)
{
    transport_shutdown(s->transport, s->fd);
    s->is_shut = true;
    stream_finish(s);
    stream_review(s);
}

void stream_say_end(struct stream *s)
{
    transport_shutdown(s->transport, s->fd);
}

static size_t stream_ask(const struct stream *s, unsigned long question)
{
    int n = 0;
    if (ioctl(s->fd, question, &n) < 0 || n < 0)
        return 0;
    return (size_t)n;
}

size_t stream_held(const struct stream *s)
{
    return transport_held(s->transport) + stream_ask(s, SIOCINQ);
}

size_t stream_unconfirmed(const struct stream *s)
{
    return transport_unconfirmed(s->transport) + stream_ask(s, SIOCOUTQ);
}

uint32_t stream_quiet_ms(const struct stream *s)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        return 0;
    return info.tcpi_last_ack_recv;
}
