/* SPDX-License-Identifier: MIT */
#include "tests/unit/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/net/reactor.h"
#include "tests/unit/unit.h"

static int wakes;

/* libevent finds this one before the C library's. */
int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
    wakes++;
    return epoll_pwait(epfd, events, max, timeout, NULL);
}

static int open_socket(int flags)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    assert_true(fd >= 0);
    return fd;
}

void sockets_tcp_pair(int out[2])
{
    struct sockaddr_in sin = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof sin;
    int listener = open_socket(0);
    assert_int_equal(bind(listener, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&sin, &length);
    out[0] = open_socket(0);
    assert_int_equal(connect(out[0], (struct sockaddr *)&sin, sizeof sin), 0);
    out[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(out[1] >= 0);
    close(listener);
}

void sockets_unix_pair(int out[2])
{
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, out),
        0);
}

void sockets_reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

uint64_t sockets_fill(int fd)
{
    static const char page[4096];
    uint64_t total = 0;
    ssize_t n;
    while ((n = send(fd, page, sizeof page, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
        total += (uint64_t)n;
    return total;
}

uint64_t sockets_drain(int fd)
{
    static char page[65536];
    uint64_t total = 0;
    ssize_t n;
    while ((n = recv(fd, page, sizeof page, MSG_DONTWAIT)) > 0)
        total += (uint64_t)n;
    return total;
}

static bool no_more(void *arg)
{
    (void)arg;
    return false;
}

void sockets_turns(struct reactor *r, int n)
{
    for (int i = 0; i < n; i++)
        (void)reactor_turn(r, false, no_more, NULL);
}

static void on_quiet(void *arg)
{
    reactor_stop(arg);
}

int sockets_count_wakes(struct reactor *r)
{
    enum { QUIET_MS = 30 };
    struct reactor_timer *timer = reactor_timer_new(r, on_quiet, r);
    assert_true(reactor_timer_start(timer, QUIET_MS));
    wakes = 0;
    reactor_run(r, no_more, NULL);
    reactor_timer_free(timer);
    return wakes;
}
