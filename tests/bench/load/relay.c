/* SPDX-License-Identifier: MIT
 *
 * relay - the ceiling that brokers are measured against: one loop on one
 * thread that reads whatever anybody sends and writes it to every subscriber.
 * It looks at nothing but the first frame of a connection, which must come in
 * one piece: "/null" is a publisher's, every other a subscriber's.
 *
 *     relay PORT
 */
#include "proto/channel_name.h"
#include "proto/frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RELAY_BYTES = 256 << 10, RELAY_DESCRIPTORS = 4096, RELAY_EVENTS = 256 };

struct relay {
    int epoll, listener;
    bool has_begun[RELAY_DESCRIPTORS]; /* its first frame has been read */
    int subscribers[RELAY_DESCRIPTORS];
    int count;
    uint8_t buffer[RELAY_BYTES];
};

static _Noreturn void relay_die(const char *what)
{
    perror(what);
    exit(1);
}

static void relay_watch(struct relay *r, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        relay_die("epoll_ctl");
}

static void relay_listen(struct relay *r, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    r->epoll = epoll_create1(0);
    r->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (r->epoll < 0 || r->listener < 0)
        relay_die("socket");
    (void)setsockopt(r->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(r->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(r->listener, SOMAXCONN) != 0)
        relay_die("listen");
    relay_watch(r, r->listener);
}

static void relay_accept(struct relay *r)
{
    int one = 1, fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0 || fd >= RELAY_DESCRIPTORS)
        relay_die("accept");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    r->has_begun[fd] = false;
    relay_watch(r, fd);
}

static void relay_close(struct relay *r, int fd)
{
    int kept = 0;
    for (int i = 0; i < r->count; i++)
        if (r->subscribers[i] != fd)
            r->subscribers[kept++] = r->subscribers[i];
    r->count = kept;
    close(fd);
}

/* Waits for room: one subscriber that does not read blocks all. */
static void relay_write(int fd, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t put = send(fd, bytes, n, MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN)
            return; /* gone; reading it says so, too */
        if (put < 0) {
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            (void)poll(&room, 1, -1);
            continue;
        }
        bytes += put;
        n -= (size_t)put;
    }
}

/* Takes the first frame; answers how many bytes that was. */
static size_t relay_begin(struct relay *r, int fd, size_t n)
{
    struct frame name;
    if (frame_decode(r->buffer, n, CHANNEL_NAME_MAX, &name) != FRAME_OK)
        relay_die("a first frame came in pieces");
    size_t null = sizeof CHANNEL_NAME_NULL - 1;
    if (name.length != null || memcmp(name.body, CHANNEL_NAME_NULL, null) != 0)
        r->subscribers[r->count++] = fd;
    r->has_begun[fd] = true;
    return frame_size(name.length);
}

static void relay_pass_on(struct relay *r, int fd)
{
    ssize_t n = read(fd, r->buffer, sizeof r->buffer);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        relay_close(r, fd);
        return;
    }
    size_t at = r->has_begun[fd] ? 0 : relay_begin(r, fd, (size_t)n);
    for (int i = 0; i < r->count; i++)
        relay_write(r->subscribers[i], r->buffer + at, (size_t)n - at);
}

int main(int argc, char **argv)
{
    static struct relay r;
    if (argc != 2) {
        fputs("usage: relay PORT\n", stderr);
        return 2;
    }
    relay_listen(&r, (uint16_t)atoi(argv[1]));
    for (;;) {
        struct epoll_event events[RELAY_EVENTS];
        int n = epoll_wait(r.epoll, events, RELAY_EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == r.listener)
                relay_accept(&r);
            else
                relay_pass_on(&r, events[i].data.fd);
        }
    }
}
