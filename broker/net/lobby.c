/* SPDX-License-Identifier: MIT */
#include "broker/net/lobby.h"

#include <event2/event.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>

bool lobby_open(struct lobby *l)
{
    l->fd = epoll_create1(EPOLL_CLOEXEC);
    return l->fd >= 0;
}

void lobby_close(struct lobby *l)
{
    close(l->fd);
    l->fd = -1;
}

static const struct lobby_row {
    short what;
    uint32_t bits;
} rows[] = {
    {EV_READ, EPOLLIN},
    {EV_WRITE, EPOLLOUT},
    {EV_CLOSED, EPOLLRDHUP},
    {EV_ET, EPOLLET},
};

enum { ROWS = sizeof rows / sizeof *rows };

bool lobby_watch(const struct lobby *l, int fd, struct event *event, short what,
                 bool is_new)
{
    struct epoll_event e = {.data.ptr = event};
    for (int i = 0; i < ROWS; i++)
        if (what & rows[i].what)
            e.events |= rows[i].bits;
    return epoll_ctl(l->fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e) ==
           0;
}

void lobby_leave(const struct lobby *l, int fd)
{
    (void)epoll_ctl(l->fd, EPOLL_CTL_DEL, fd, NULL);
}

/* As libevent has it (epoll_dispatch in its epoll.c): whoever is broken is
 * found to be when it is read or written. */
static short lobby_what(uint32_t bits)
{
    short what = 0;
    if ((bits & EPOLLERR) || ((bits & EPOLLHUP) && !(bits & EPOLLRDHUP)))
        return EV_READ | EV_WRITE;
    for (int i = 0; i < ROWS; i++)
        if (bits & rows[i].bits)
            what = (short)(what | rows[i].what);
    return what;
}

bool lobby_step(const struct lobby *l)
{
    struct epoll_event e;
    if (epoll_wait(l->fd, &e, 1, 0) != 1)
        return false;
    const struct event *event = e.data.ptr;
    event_get_callback(event)(-1, lobby_what(e.events),
                              event_get_callback_arg(event));
    return true;
}
