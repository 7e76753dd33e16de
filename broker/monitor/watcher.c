/* SPDX-License-Identifier: MIT */
#include "broker/monitor/watcher.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/net/peer.h"
#include "broker/net/reactor.h"
#include "users/network.h"

enum { DISCARD_READS = 256 };

union any_address {
    struct sockaddr sa;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
};

/* libzmq writes a name in the abstract namespace with an @. */
static bool is_unix_at(const struct sockaddr_un *own, socklen_t length,
                       const char *endpoint)
{
    static const char scheme[] = "ipc://";
    size_t n = length - offsetof(struct sockaddr_un, sun_path);
    if (length <= offsetof(struct sockaddr_un, sun_path) ||
        strncmp(endpoint, scheme, strlen(scheme)) != 0)
        return false;
    const char *path = endpoint + strlen(scheme);
    if (own->sun_path[0] != '\0')
        return strncmp(path, own->sun_path, n) == 0;
    return path[0] == '@' && strlen(path) == n &&
           memcmp(path + 1, own->sun_path + 1, n - 1) == 0;
}

/* Ports are enough: the broker's other connections come in at other ports. */
bool watcher_is_at(int number, const char *endpoint)
{
    union any_address own = {.sa.sa_family = AF_UNSPEC};
    socklen_t length = sizeof own;
    const char *port = strrchr(endpoint, ':');
    if (!port || getsockname(number, &own.sa, &length) != 0)
        return false;
    if (own.sa.sa_family == AF_UNIX)
        return is_unix_at(&own.un, length, endpoint);
    struct peer p = peer_of(&own.sa, length);
    return strtoul(port + 1, NULL, 10) == ntohs(p.port);
}

static void watcher_on_event(evutil_socket_t fd, short what, void *arg)
{
    struct watcher *w = arg;
    (void)fd;
    (void)what;
    w->on_input(w, w->arg);
}

/* Edge-triggered: libzmq reads the bytes, and this side is only notified. */
static bool watcher_watch(struct watcher *w, struct reactor *r)
{
    w->event = event_new(reactor_base(r), w->fd, EV_READ | EV_ET | EV_PERSIST,
                         watcher_on_event, w);
    return w->event && event_add(w->event, NULL) == 0;
}

struct watcher *watcher_new(struct reactor *r, int number,
                            void (*on_input)(struct watcher *w, void *arg),
                            void *arg)
{
    struct watcher *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    list_init(&w->link);
    list_init(&w->subscriptions);
    w->number = number;
    w->on_input = on_input;
    w->arg = arg;
    w->fd = fcntl(number, F_DUPFD_CLOEXEC, 0);
    if (w->fd >= 0 && watcher_watch(w, r))
        return w;
    int err = errno;
    watcher_free(w);
    errno = err;
    return NULL;
}

void watcher_free(struct watcher *w)
{
    list_remove(&w->link);
    if (w->event)
        event_free(w->event);
    if (w->fd >= 0)
        close(w->fd);
    free(w);
}

/* What libzmq has not read yet, it does not read any more. */
static void discard_unread(int fd)
{
    char bytes[4096];
    for (int i = 0; i < DISCARD_READS; i++)
        if (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
            break;
}

/* With a reset once libzmq has closed it too: otherwise a sender whose window
 * is closed would wait. */
void watcher_cut(int fd)
{
    static const struct linger reset = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    (void)shutdown(fd, SHUT_RDWR);
    discard_unread(fd);
}

void watcher_address(const struct watcher *w, char *text, size_t room)
{
    union any_address other = {.sa.sa_family = AF_UNSPEC};
    socklen_t length = sizeof other;
    if (getpeername(w->fd, &other.sa, &length) != 0)
        other.sa.sa_family = AF_UNSPEC;
    struct peer p = peer_of(&other.sa, length);
    if (other.sa.sa_family == AF_UNSPEC)
        snprintf(text, room, "gone");
    else
        peer_format(&p, text, room);
}

bool watcher_network(const struct watcher *w, struct network *out)
{
    union any_address other = {.sa.sa_family = AF_UNSPEC};
    socklen_t length = sizeof other;
    return getpeername(w->fd, &other.sa, &length) == 0 &&
           network_of_peer(&other.sa, out);
}

/* Bytes that have come since the last call. TCP counts them. A unix socket does
 * not: what lies unread each time that more has come is some of it, and a flood
 * leaves much unread. */
static uint64_t watcher_received(struct watcher *w)
{
    struct tcp_info info = {.tcpi_bytes_received = 0};
    socklen_t length = sizeof info;
    int unread = 0;
    if (getsockopt(w->fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return ioctl(w->fd, FIONREAD, &unread) == 0 ? (uint64_t)unread : 0;
    uint64_t n = info.tcpi_bytes_received - w->received_bytes;
    w->received_bytes = info.tcpi_bytes_received;
    return n;
}

bool watcher_measure(struct watcher *w, clock_ms now)
{
    static const struct throttle_rate rate = {WATCHER_BYTES,
                                              WATCHER_BYTES_REFILL, 1000};
    uint64_t n = watcher_received(w);
    return throttle_pass(&w->bytes, now, rate, n) == n;
}

struct subscription *watcher_find(const struct watcher *w, const char *prefix,
                                  size_t length)
{
    LIST_EACH (link, &w->subscriptions) {
        struct subscription *s = LIST_OF(link, struct subscription, link);
        if (s->length == length && memcmp(s->prefix, prefix, length) == 0)
            return s;
    }
    return NULL;
}

bool watcher_subscribe(struct watcher *w, const char *prefix, size_t length)
{
    if (w->subscription_count == WATCHER_SUBSCRIPTIONS)
        return false;
    struct subscription *s = malloc(sizeof *s + length);
    if (!s)
        return false;
    s->length = length;
    memcpy(s->prefix, prefix, length);
    list_init(&s->link);
    list_insert(&w->subscriptions, &s->link);
    w->subscription_count++;
    return true;
}

void watcher_take(struct watcher *w, struct subscription *s)
{
    list_remove(&s->link);
    w->subscription_count--;
}
