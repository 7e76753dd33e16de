/* SPDX-License-Identifier: MIT */
#include "broker/monitor/zmq_input.h"

#include <event2/event.h>
#include <stddef.h>
#include <zmq.h>

#include "broker/net/reactor.h"

enum { MESSAGES_PER_TURN = 100 };

void zmq_input_recheck(struct zmq_input *in)
{
    int events = 0;
    size_t size = sizeof events;
    if (zmq_getsockopt(in->socket, ZMQ_EVENTS, &events, &size) == 0 &&
        (events & ZMQ_POLLIN))
        event_active(in->event, EV_READ, 0);
}

static void zmq_input_on_event(evutil_socket_t fd, short what, void *arg)
{
    struct zmq_input *in = arg;
    (void)fd;
    (void)what;
    for (int i = 0; i < MESSAGES_PER_TURN && in->read_one(in->arg); i++)
        continue;
    zmq_input_recheck(in);
}

bool zmq_input_open(struct zmq_input *in, struct reactor *r, void *socket,
                    bool (*read_one)(void *arg), void *arg)
{
    int fd;
    size_t size = sizeof fd;
    *in =
        (struct zmq_input){.socket = socket, .read_one = read_one, .arg = arg};
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0)
        return false;
    in->event = event_new(reactor_base(r), fd, EV_READ | EV_PERSIST,
                          zmq_input_on_event, in);
    if (!in->event || event_add(in->event, NULL) != 0)
        return false;
    zmq_input_recheck(in);
    return true;
}

void zmq_input_close(struct zmq_input *in)
{
    if (in->event)
        event_free(in->event);
    in->event = NULL;
}
