/* SPDX-License-Identifier: MIT */
#include "broker/monitor/pub_socket.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "broker/base/counters.h"
#include "broker/net/reactor.h"
#include "common/sentence.h"

enum {
    LINGER_MS = 100,           /* for the last messages */
    HANDSHAKE_MS = 5000,       /* then a silent peer is disconnected, */
    STALLED_MS = 30000,        /* and a peer that takes nothing for this long */
    SUBSCRIPTION_BYTES = 1024, /* the longest message from a peer */
    SUBSCRIPTIONS_PER_TURN = 100,
};

struct pub_socket {
    void *zmq; /* the socket */
    struct event *event;
    struct pub_socket_shared *shared;
    pub_socket_subscription_fn *on_subscription;
    void *arg;
};

/* A large part; the last thread that uses it frees it. */
struct parcel {
    atomic_size_t *held_bytes;
    size_t length;
    unsigned char bytes[];
};

static void parcel_free(void *data, void *hint)
{
    struct parcel *p = hint;
    (void)data;
    atomic_fetch_sub(p->held_bytes, p->length);
    free(p);
}

static bool parcel_wrap(atomic_size_t *held_bytes,
                        const struct pub_socket_part *part, zmq_msg_t *msg)
{
    struct parcel *p = malloc(sizeof *p + part->length);
    if (!p)
        return false;
    p->held_bytes = held_bytes;
    p->length = part->length;
    memcpy(p->bytes, part->bytes, part->length);
    if (zmq_msg_init_data(msg, p->bytes, p->length, parcel_free, p) != 0) {
        free(p);
        return false;
    }
    atomic_fetch_add(p->held_bytes, p->length);
    return true;
}

static bool part_wrap(struct pub_socket *p, const struct pub_socket_part *part,
                      zmq_msg_t *msg)
{
    if (part->length >= PUB_SOCKET_LARGE_BYTES)
        return parcel_wrap(&p->shared->held_bytes, part, msg);
    if (zmq_msg_init_size(msg, part->length) != 0)
        return false;
    memcpy(zmq_msg_data(msg), part->bytes, part->length);
    return true;
}

/* The descriptor reports a change only once, and any use of the socket may
 * consume that report: so check for input after each use. */
static void pub_socket_recheck(struct pub_socket *p)
{
    int events = 0;
    size_t size = sizeof events;
    if (zmq_getsockopt(p->zmq, ZMQ_EVENTS, &events, &size) == 0 &&
        (events & ZMQ_POLLIN))
        event_active(p->event, EV_READ, 0);
}

/* Reads one subscription or its end; false when there is none. */
static bool pub_socket_receive(struct pub_socket *p)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    bool got = zmq_msg_recv(&msg, p->zmq, ZMQ_DONTWAIT) >= 0;
    const unsigned char *text = zmq_msg_data(&msg);
    size_t n = zmq_msg_size(&msg);
    if (got && n > 0 && text[0] <= 1 && p->on_subscription)
        p->on_subscription(p->arg, text[0] == 1, (const char *)text + 1, n - 1);
    zmq_msg_close(&msg);
    return got;
}

static void pub_socket_on_event(evutil_socket_t fd, short what, void *arg)
{
    struct pub_socket *p = arg;
    (void)fd;
    (void)what;
    for (int i = 0; i < SUBSCRIPTIONS_PER_TURN && pub_socket_receive(p); i++)
        continue;
    pub_socket_recheck(p);
}

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool pub_socket_tune(struct pub_socket *p, enum pub_socket_kind kind)
{
    int64_t longest = SUBSCRIPTION_BYTES;
    return set_int(p->zmq, ZMQ_SNDHWM, PUB_SOCKET_WAITING_MAX) &&
           set_int(p->zmq, ZMQ_LINGER, LINGER_MS) &&
           set_int(p->zmq, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set_int(p->zmq, ZMQ_TCP_MAXRT, STALLED_MS) &&
           set_int(p->zmq, ZMQ_TCP_KEEPALIVE, 1) &&
           set_int(p->zmq, ZMQ_XPUB_NODROP, 1) &&
           zmq_setsockopt(p->zmq, ZMQ_MAXMSGSIZE, &longest, sizeof longest) ==
               0 &&
           /* A collector that reconnects has no use for old reports. */
           (kind != PUB_SOCKET_PUB || set_int(p->zmq, ZMQ_IMMEDIATE, 1));
}

static bool pub_socket_watch(struct pub_socket *p, struct reactor *r)
{
    int fd;
    size_t size = sizeof fd;
    if (zmq_getsockopt(p->zmq, ZMQ_FD, &fd, &size) != 0)
        return false;
    p->event = event_new(reactor_base(r), fd, EV_READ | EV_PERSIST,
                         pub_socket_on_event, p);
    return p->event && event_add(p->event, NULL) == 0;
}

struct pub_socket *pub_socket_new(struct pub_socket_shared *shared,
                                  enum pub_socket_kind kind,
                                  pub_socket_subscription_fn *on_subscription,
                                  void *arg)
{
    static const int types[] = {ZMQ_PUB, ZMQ_XPUB};
    struct pub_socket *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->shared = shared;
    p->on_subscription = on_subscription;
    p->arg = arg;
    p->zmq = zmq_socket(shared->zmq, types[kind]);
    if (p->zmq && pub_socket_tune(p, kind) &&
        pub_socket_watch(p, shared->reactor))
        return p;
    int err = errno;
    pub_socket_free(p);
    errno = err;
    return NULL;
}

void pub_socket_free(struct pub_socket *p)
{
    if (!p)
        return;
    if (p->event)
        event_free(p->event);
    if (p->zmq)
        zmq_close(p->zmq);
    free(p);
}

bool pub_socket_connect(struct pub_socket *p, const char *endpoint,
                        struct sentence *why)
{
    bool ok = zmq_connect(p->zmq, endpoint) == 0;
    if (!ok)
        sentence_fail(why, "%s", zmq_strerror(errno));
    pub_socket_recheck(p);
    return ok;
}

bool pub_socket_bind(struct pub_socket *p, const char *endpoint,
                     char bound[PUB_SOCKET_ENDPOINT_BYTES],
                     struct sentence *why)
{
    size_t size = PUB_SOCKET_ENDPOINT_BYTES;
    bool ok = zmq_bind(p->zmq, endpoint) == 0 &&
              zmq_getsockopt(p->zmq, ZMQ_LAST_ENDPOINT, bound, &size) == 0;
    if (!ok)
        sentence_fail(why, "%s", zmq_strerror(errno));
    pub_socket_recheck(p);
    return ok;
}

/* The other thread may free parts at the same time: there is then more room
 * than this reports, never less. */
bool pub_socket_has_room(const struct pub_socket *p, size_t bytes)
{
    size_t held = atomic_load(&p->shared->held_bytes);
    return bytes < PUB_SOCKET_LARGE_BYTES || held == 0 ||
           held + bytes <= PUB_SOCKET_HELD_BYTES;
}

/* False when a subscribed peer has no room: then no peer got any of it. */
static bool pub_socket_try(struct pub_socket *p,
                           const struct pub_socket_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        zmq_msg_t msg;
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
        if (!part_wrap(p, &parts[i], &msg))
            zmq_msg_init(&msg); /* an empty part, to complete the message */
        if (zmq_msg_send(&msg, p->zmq, flags) < 0) {
            zmq_msg_close(&msg);
            return false;
        }
    }
    return true;
}

/* First sends without loss, which shows whether a peer has no room; then to the
 * peers that have room. ZeroMQ skips a peer without room until it has caught
 * up, so this counts once for each time that a peer falls behind. */
void pub_socket_send(struct pub_socket *p, const struct pub_socket_part *parts,
                     size_t count)
{
    assert(count <= PUB_SOCKET_PARTS_MAX);
    if (!pub_socket_try(p, parts, count)) {
        counter_add(p->shared->counters, COUNT_slow_watchers, 1);
        (void)set_int(p->zmq, ZMQ_XPUB_NODROP, 0);
        (void)pub_socket_try(p, parts, count);
        (void)set_int(p->zmq, ZMQ_XPUB_NODROP, 1);
    }
    pub_socket_recheck(p);
}
