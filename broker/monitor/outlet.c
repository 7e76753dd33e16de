/* SPDX-License-Identifier: MIT */
#include "broker/monitor/outlet.h"

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

enum {
    LINGER_MS = 100,     /* for last words */
    HANDSHAKE_MS = 5000, /* whoever says nothing is let go */
    STALLED_MS = 30000,  /* and so is who takes nothing for that long */
    WISH_BYTES = 1024,   /* the longest that a watcher may say */
    WISHES_PER_TURN = 100,
};

struct outlet {
    void *socket;
    struct event *event;
    struct outlet_ground *ground;
    outlet_wish_fn *on_wish;
    void *arg;
};

/* A large part, freed by whichever thread is the last to need it. */
struct parcel {
    atomic_size_t *held;
    size_t length;
    unsigned char bytes[];
};

static void parcel_free(void *data, void *hint)
{
    struct parcel *p = hint;
    (void)data;
    atomic_fetch_sub(p->held, p->length);
    free(p);
}

static bool parcel_wrap(struct outlet *o, const struct outlet_part *part,
                        zmq_msg_t *msg)
{
    struct parcel *p = malloc(sizeof *p + part->length);
    if (!p)
        return false;
    p->held = &o->ground->held;
    p->length = part->length;
    memcpy(p->bytes, part->bytes, part->length);
    if (zmq_msg_init_data(msg, p->bytes, p->length, parcel_free, p) != 0) {
        free(p);
        return false;
    }
    atomic_fetch_add(p->held, p->length);
    return true;
}

static bool part_wrap(struct outlet *o, const struct outlet_part *part,
                      zmq_msg_t *msg)
{
    if (part->length >= OUTLET_LARGE_BYTES)
        return parcel_wrap(o, part, msg);
    if (zmq_msg_init_size(msg, part->length) != 0)
        return false;
    memcpy(zmq_msg_data(msg), part->bytes, part->length);
    return true;
}

/* The descriptor tells of a change once; what is not taken then must be
 * remembered, and any use of the socket may take the news away. */
static void outlet_look_again(struct outlet *o)
{
    int events = 0;
    size_t size = sizeof events;
    if (zmq_getsockopt(o->socket, ZMQ_EVENTS, &events, &size) == 0 &&
        (events & ZMQ_POLLIN))
        event_active(o->event, EV_READ, 0);
}

/* Reads what one watcher wants or wants no more. */
static bool outlet_hear(struct outlet *o)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    bool got = zmq_msg_recv(&msg, o->socket, ZMQ_DONTWAIT) >= 0;
    const unsigned char *text = zmq_msg_data(&msg);
    size_t n = zmq_msg_size(&msg);
    if (got && n > 0 && text[0] <= 1 && o->on_wish)
        o->on_wish(o->arg, text[0] == 1, (const char *)text + 1, n - 1);
    zmq_msg_close(&msg);
    return got;
}

static void outlet_on_event(evutil_socket_t fd, short what, void *arg)
{
    struct outlet *o = arg;
    (void)fd;
    (void)what;
    for (int i = 0; i < WISHES_PER_TURN && outlet_hear(o); i++)
        continue;
    outlet_look_again(o);
}

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool outlet_tune(struct outlet *o, enum outlet_kind kind)
{
    int64_t longest = WISH_BYTES;
    return set_int(o->socket, ZMQ_SNDHWM, OUTLET_WAITING_MAX) &&
           set_int(o->socket, ZMQ_LINGER, LINGER_MS) &&
           set_int(o->socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set_int(o->socket, ZMQ_TCP_MAXRT, STALLED_MS) &&
           set_int(o->socket, ZMQ_TCP_KEEPALIVE, 1) &&
           set_int(o->socket, ZMQ_XPUB_NODROP, 1) &&
           zmq_setsockopt(o->socket, ZMQ_MAXMSGSIZE, &longest,
                          sizeof longest) == 0 &&
           /* What is old when a collector comes back is of no use to it. */
           (kind != OUTLET_PUB || set_int(o->socket, ZMQ_IMMEDIATE, 1));
}

static bool outlet_watch(struct outlet *o, struct reactor *r)
{
    int fd;
    size_t size = sizeof fd;
    if (zmq_getsockopt(o->socket, ZMQ_FD, &fd, &size) != 0)
        return false;
    o->event = event_new(reactor_base(r), fd, EV_READ | EV_PERSIST,
                         outlet_on_event, o);
    return o->event && event_add(o->event, NULL) == 0;
}

struct outlet *outlet_new(struct outlet_ground *ground, enum outlet_kind kind,
                          outlet_wish_fn *on_wish, void *arg)
{
    static const int types[] = {ZMQ_PUB, ZMQ_XPUB};
    struct outlet *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->ground = ground;
    o->on_wish = on_wish;
    o->arg = arg;
    o->socket = zmq_socket(ground->context, types[kind]);
    if (o->socket && outlet_tune(o, kind) && outlet_watch(o, ground->reactor))
        return o;
    int err = errno;
    outlet_free(o);
    errno = err;
    return NULL;
}

void outlet_free(struct outlet *o)
{
    if (!o)
        return;
    if (o->event)
        event_free(o->event);
    if (o->socket)
        zmq_close(o->socket);
    free(o);
}

bool outlet_connect(struct outlet *o, const char *endpoint,
                    char error[OUTLET_ERROR_BYTES])
{
    bool ok = zmq_connect(o->socket, endpoint) == 0;
    if (!ok)
        snprintf(error, OUTLET_ERROR_BYTES, "%s", zmq_strerror(errno));
    outlet_look_again(o);
    return ok;
}

bool outlet_bind(struct outlet *o, const char *endpoint,
                 char bound[OUTLET_ENDPOINT_BYTES],
                 char error[OUTLET_ERROR_BYTES])
{
    size_t size = OUTLET_ENDPOINT_BYTES;
    bool ok = zmq_bind(o->socket, endpoint) == 0 &&
              zmq_getsockopt(o->socket, ZMQ_LAST_ENDPOINT, bound, &size) == 0;
    if (!ok)
        snprintf(error, OUTLET_ERROR_BYTES, "%s", zmq_strerror(errno));
    outlet_look_again(o);
    return ok;
}

/* What is held is known to be no less than this only for a moment: the other
 * thread may just be freeing some. */
bool outlet_has_room(const struct outlet *o, size_t bytes)
{
    size_t held = atomic_load(&o->ground->held);
    return bytes < OUTLET_LARGE_BYTES || held == 0 ||
           held + bytes <= OUTLET_HELD_BYTES;
}

/* False when a peer that wants it has no room: then nobody got any of it. */
static bool outlet_try(struct outlet *o, const struct outlet_part *parts,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        zmq_msg_t msg;
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
        if (!part_wrap(o, &parts[i], &msg))
            zmq_msg_init(&msg); /* begun, it must be ended */
        if (zmq_msg_send(&msg, o->socket, flags) < 0) {
            zmq_msg_close(&msg);
            return false;
        }
    }
    return true;
}

/* First without loss, which tells whether somebody has no room; then to those
 * who have. ZeroMQ leaves out who has none until it has caught up, so this
 * counts once for each time that somebody falls behind. */
void outlet_send(struct outlet *o, const struct outlet_part *parts,
                 size_t count)
{
    assert(count <= OUTLET_PARTS_MAX);
    if (!outlet_try(o, parts, count)) {
        counter_add(o->ground->counters, COUNT_slow_watchers, 1);
        (void)set_int(o->socket, ZMQ_XPUB_NODROP, 0);
        (void)outlet_try(o, parts, count);
        (void)set_int(o->socket, ZMQ_XPUB_NODROP, 1);
    }
    outlet_look_again(o);
}
