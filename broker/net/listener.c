/* SPDX-License-Identifier: MIT */
#include "broker/net/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/base/list.h"
#include "broker/net/bind_error.h"
#include "broker/net/reactor.h"
#include "broker/net/socket_file.h"
#include "common/address.h"
#include "common/sentence.h"

enum { BACKLOG = 4096 }; /* the kernel cuts it to net.core.somaxconn */

struct listener {
    struct listener *next;
    struct event event; /* connections wait; initialised while fd >= 0 */
    struct chore chore; /* accepting them */
    struct reactor *reactor;
    struct reactor_timer *retry;
    const struct listener_events *events;
    void *owner;
    int fd;
    bool is_paused;          /* by the owner */
    struct socket_file file; /* empty if TCP or adopted */
    char text[SLUICE_ADDRESS_TEXT_BYTES];
};

/* Without memory to wait for the socket it is tried later. */
static void listener_watch(struct listener *l)
{
    if (event_add(&l->event, NULL) != 0)
        (void)reactor_timer_start(l->retry, LISTENER_RETRY_MS);
}

static void listener_unwatch(struct listener *l)
{
    (void)event_del(&l->event);
    reactor_remove_chore(&l->chore);
}

/* A listening socket stays readable while connections wait in it, so without
 * this the loop would spin when accept(2) fails with EMFILE. */
static void listener_fail(struct listener *l, int err)
{
    /* Better to spin than never to accept again. */
    if (reactor_timer_start(l->retry, LISTENER_RETRY_MS))
        listener_unwatch(l);
    l->events->on_error(l->owner, err);
}

/* One step of the chore: accepts one connection. A client that connects costs
 * more than a message does, and nothing bounds how many connect at once: as
 * long as some do, accepting all of them would delay the clients that are
 * there. */
static bool listener_step(struct chore *c)
{
    struct listener *l = LIST_OF(c, struct listener, chore);
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    int fd = accept4(l->fd, (struct sockaddr *)&peer, &length,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        l->events->on_accept(l->owner, fd, (struct sockaddr *)&peer, length);
        return !l->is_paused;
    }
    if (errno == EINTR || errno == ECONNABORTED)
        return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        listener_fail(l, errno);
    return false;
}

static void on_waiting(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;
    (void)fd;
    (void)what;
    reactor_add_chore(l->reactor, &l->chore);
}

static void on_retry(void *arg)
{
    struct listener *l = arg;
    if (!l->is_paused)
        listener_watch(l);
}

/* Of the listening socket it is a property of those it makes (socket(7) does
 * not say so; Linux copies all options), so there is no moment at which a
 * connection is without it. */
void listener_reset_on_kill(struct listener *l, bool is_reset)
{
    struct linger linger = {.l_onoff = is_reset, .l_linger = 0};
    (void)setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void listener_pause(struct listener *l)
{
    l->is_paused = true;
    listener_unwatch(l);
}

void listener_resume(struct listener *l)
{
    l->is_paused = false;
    listener_watch(l);
}

struct listener *listener_next(const struct listener *l)
{
    return l->next;
}

const char *listener_address(const struct listener *l)
{
    return l->text;
}

struct listener *listener_close(struct listener *l)
{
    struct listener *next = l->next;
    if (l->fd >= 0) {
        listener_unwatch(l);
        close(l->fd);
    }
    reactor_timer_free(l->retry);
    socket_file_remove(&l->file);
    free(l);
    return next;
}

static bool fail(struct sentence *why, const char *text, int err)
{
    return sentence_fail(why, "cannot listen on %s: %s%s", text, strerror(err),
                         bind_error_hint(err));
}

static void listener_describe(struct listener *l, int fd)
{
    struct sockaddr_storage ss = {0};
    socklen_t length = sizeof ss;
    if (l->file.path[0])
        snprintf(l->text, sizeof l->text, "unix:%s", l->file.path);
    else if (getsockname(fd, (struct sockaddr *)&ss, &length) == 0)
        sluice_address_format((struct sockaddr *)&ss, length, l->text,
                              sizeof l->text);
}

/* Makes the socket listen, which takes it. */
static bool listener_start(struct listener *l, int fd)
{
    l->retry = reactor_timer_new(l->reactor, on_retry, l);
    if (!l->retry || listen(fd, BACKLOG) != 0)
        return false;
    event_assign(&l->event, reactor_base(l->reactor), fd, EV_READ | EV_PERSIST,
                 on_waiting, l);
    if (event_add(&l->event, NULL) != 0)
        return false;
    l->fd = fd;
    return true;
}

/* Takes `fd` and the file even when it fails; the file is NULL if there is
 * none. */
static struct listener *listener_new(struct reactor *r, int fd,
                                     struct socket_file *file,
                                     const struct listener_events *events,
                                     void *owner)
{
    struct listener *l = calloc(1, sizeof *l);
    if (!l) {
        close(fd);
        if (file)
            socket_file_remove(file);
        errno = ENOMEM;
        return NULL;
    }
    l->reactor = r;
    l->events = events;
    l->owner = owner;
    l->fd = -1;
    chore_init(&l->chore, listener_step);
    if (file)
        l->file = *file;
    listener_describe(l, fd);
    if (listener_start(l, fd))
        return l;
    int err = errno;
    close(fd);
    listener_close(l);
    errno = err;
    return NULL;
}

static bool is_listening_stream(int fd)
{
    int type = 0, is_listening = 0;
    socklen_t n = sizeof type, m = sizeof is_listening;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
           type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &m) == 0 &&
           is_listening;
}

/* The file belongs to the process that made it: l->file stays empty. */
static void listener_describe_adopted(struct listener *l, int fd)
{
    struct sockaddr_un sun = {.sun_family = AF_UNSPEC};
    socklen_t length = sizeof sun;
    if (getsockname(fd, (struct sockaddr *)&sun, &length) == 0 &&
        sun.sun_family == AF_UNIX && length > sizeof sun.sun_family)
        snprintf(l->text, sizeof l->text, "unix:%.*s",
                 (int)(length - sizeof sun.sun_family), sun.sun_path);
}

struct listener *listener_adopt(struct reactor *r, int fd,
                                const struct listener_events *events,
                                void *owner)
{
    if (!is_listening_stream(fd) || evutil_make_socket_nonblocking(fd) != 0) {
        close(fd);
        return NULL;
    }
    struct listener *l = listener_new(r, fd, NULL, events, owner);
    if (l)
        listener_describe_adopted(l, fd);
    return l;
}

static int open_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool listener_open_unix(struct reactor *r,
                               const struct sluice_address *a,
                               const struct listener_events *events,
                               void *owner, struct listener **list,
                               struct sentence *why)
{
    struct sockaddr_un at;
    struct socket_file file;
    if (!sluice_address_to_unix(a, &at))
        return fail(why, a->host, ENAMETOOLONG);
    int fd = socket_file_bind(&file, &at, why);
    if (fd < 0)
        return false;
    struct listener *l = listener_new(r, fd, &file, events, owner);
    if (!l)
        return fail(why, a->host, errno);
    l->next = *list;
    *list = l;
    return true;
}

static int bind_tcp(const struct addrinfo *ai)
{
    int one = 1, fd = open_socket(ai->ai_family);
    if (fd < 0)
        return -1;
    /* Restarting must not wait for old connections to time out. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (ai->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

static bool listener_open_tcp(struct reactor *r, const struct sluice_address *a,
                              const char *text,
                              const struct listener_events *events, void *owner,
                              struct listener **list, struct sentence *why)
{
    struct addrinfo *all;
    int gai = sluice_address_resolve(a, true, &all);
    if (gai != 0)
        return sentence_fail(why, "cannot resolve %s: %s", text,
                             gai_strerror(gai));
    struct listener *opened = *list;
    bool ok = true;
    for (struct addrinfo *ai = all; ok && ai; ai = ai->ai_next) {
        int fd = bind_tcp(ai);
        /* A name may have an address of a family this host lacks. */
        if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) &&
            (ai->ai_next || opened != *list))
            continue;
        struct listener *l =
            fd < 0 ? NULL : listener_new(r, fd, NULL, events, owner);
        if (!l) {
            ok = fail(why, text, errno);
            break;
        }
        l->next = opened;
        opened = l;
    }
    freeaddrinfo(all);
    while (!ok && opened != *list)
        opened = listener_close(opened);
    *list = opened;
    return ok;
}

bool listener_open(struct reactor *r, const char *text, const char *port,
                   const struct listener_events *events, void *owner,
                   struct listener **list, struct sentence *why)
{
    struct sluice_address a;
    if (!sluice_address_parse(text, port, &a))
        return sentence_fail(why, "'%s' is not " SLUICE_ADDRESS_FORM, text);
    if (a.is_unix)
        return listener_open_unix(r, &a, events, owner, list, why);
    return listener_open_tcp(r, &a, text, events, owner, list, why);
}
