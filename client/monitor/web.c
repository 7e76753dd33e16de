/* SPDX-License-Identifier: MIT */
#include "client/monitor/web.h"

#include "client/monitor/web_door.h"
#include "client/tls_server.h"
#include "common/address.h"
#include "common/http_head.h"
#include "users/network.h"

#include <errno.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    WEB_LOOK_MS = 250, /* between looks for connections whose time is over */
    WEB_REST_S = 1,    /* after accepting failed */
};

struct web {
    const struct http_site *site;
    struct tls_server *tls; /* NULL: in clear */
    struct http_pool pool;
    struct event_base *base;
    struct event *look;
    struct evconnlistener *listener;
    char address[SLUICE_ADDRESS_TEXT_BYTES];
};

struct web_client {
    struct http_connection http; /* first: the pool hands it back */
    struct web *web;
    int fd;
    struct tls_stream *tls; /* NULL: in clear */
    struct event *readable, *writable;
};

uint32_t web_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000 +
                      (uint64_t)now.tv_nsec / 1000000);
}

/* --- one connection ------------------------------------------------------ */

static void web_free_event(struct event *event)
{
    if (event)
        event_free(event);
}

static void web_client_free(struct web_client *c)
{
    web_free_event(c->readable);
    web_free_event(c->writable);
    tls_stream_free(c->tls);
    close(c->fd);
    http_connection_fini(&c->http);
    free(c);
}

static void web_client_close(struct http_connection *http)
{
    struct web_client *c = (struct web_client *)(void *)http;
    http_pool_remove(&c->web->pool, http);
    web_client_free(c);
}

static ssize_t web_client_put(struct web_client *c, struct iovec *iov, int n)
{
    if (c->tls)
        return tls_stream_write(c->tls, iov->iov_base, iov->iov_len);
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)n};
    return sendmsg(c->fd, &message, MSG_NOSIGNAL);
}

static ssize_t web_client_get(struct web_client *c, char *bytes, size_t room)
{
    return c->tls ? tls_stream_read(c->tls, bytes, room)
                  : recv(c->fd, bytes, room, 0);
}

/* Sends as much as the socket takes. False when the connection is broken. */
static bool web_client_send(struct web_client *c)
{
    struct iovec iov[HTTP_CONNECTION_IOVS];
    int n;
    while ((n = http_connection_output(&c->http, iov)) > 0) {
        ssize_t put = web_client_put(c, iov, n);
        if (put <= 0)
            return put < 0 && (errno == EAGAIN || errno == EINTR);
        http_connection_sent(&c->http, (size_t)put, web_now_ms());
        if (c->http.stage != HTTP_LEAVING)
            continue;
        if (c->tls)
            tls_stream_shutdown(c->tls);
        (void)shutdown(c->fd, SHUT_WR);
    }
    return true;
}

/* Bytes to be sent, of HTTP or of a handshake. */
static bool web_client_wants_output(const struct web_client *c)
{
    struct iovec iov[HTTP_CONNECTION_IOVS];
    return http_connection_output(&c->http, iov) > 0 ||
           (c->tls && tls_stream_wants_output(c->tls));
}

static bool web_client_ask(struct event *event, bool is_wanted)
{
    return (is_wanted ? event_add(event, NULL) : event_del(event)) == 0;
}

/* Sends the waiting bytes, and registers the events that it waits for. False
 * when that has closed it. */
static bool web_client_go_on(struct web_client *c)
{
    if (web_client_send(c) &&
        web_client_ask(c->readable, http_connection_wants_input(&c->http)) &&
        web_client_ask(c->writable, web_client_wants_output(c)))
        return true;
    web_client_close(&c->http);
    return false;
}

/* Reads once, under TLS all that it has opened, which no event announces. False
 * when that has closed it. */
static bool web_client_read(struct http_connection *http)
{
    struct web_client *c = (struct web_client *)(void *)http;
    char bytes[HTTP_HEAD_MAX];
    ssize_t got;
    do {
        got = web_client_get(c, bytes, sizeof bytes);
        if (got > 0 &&
            !http_connection_receive(http, bytes, (size_t)got, web_now_ms()))
            got = 0;
    } while (got > 0 && c->tls && http_connection_wants_input(http));
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) {
        if (c->tls && http->stage == HTTP_SILENT)
            http_connection_expect(http); /* it shakes hands */
        return web_client_go_on(c);
    }
    web_client_close(http);
    return false;
}

static void web_client_on_readable(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    (void)web_client_read(arg);
}

static void web_client_on_writable(evutil_socket_t fd, short events, void *arg)
{
    struct web_client *c = arg;
    (void)fd;
    (void)events;
    if (c->tls && tls_stream_wants_output(c->tls))
        (void)web_client_read(&c->http);
    else
        (void)web_client_go_on(c);
}

/* --- all of them --------------------------------------------------------- */

static void web_on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                          struct sockaddr *peer, int length, void *arg)
{
    struct web *w = arg;
    struct web_client *c = calloc(1, sizeof *c);
    (void)listener;
    (void)peer;
    (void)length;
    if (!c) {
        close(fd);
        return;
    }
    http_connection_init(&c->http, w->site, web_now_ms());
    c->web = w;
    c->fd = fd;
    c->readable =
        event_new(w->base, fd, EV_READ | EV_PERSIST, web_client_on_readable, c);
    c->writable = event_new(w->base, fd, EV_WRITE | EV_PERSIST,
                            web_client_on_writable, c);
    if (w->tls)
        c->tls = tls_server_accept(w->tls, fd);
    if (!c->readable || !c->writable || (w->tls && !c->tls) ||
        event_add(c->readable, NULL) != 0) {
        web_client_free(c);
        return;
    }
    http_pool_make_room(&w->pool, web_client_read, web_client_close);
    http_pool_add(&w->pool, &c->http);
}

static void web_on_rested(evutil_socket_t fd, short events, void *listener)
{
    (void)fd;
    (void)events;
    evconnlistener_enable(listener);
}

/* Out of descriptors: rest, or the loop would spin. */
static void web_on_accept_error(struct evconnlistener *listener, void *arg)
{
    struct timeval rest = {.tv_sec = WEB_REST_S};
    (void)arg;
    evconnlistener_disable(listener);
    event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT,
                    web_on_rested, listener, &rest);
}

static void web_on_look(evutil_socket_t fd, short events, void *arg)
{
    struct web *w = arg;
    struct http_connection *c;
    (void)fd;
    (void)events;
    while ((c = http_pool_due(&w->pool, web_now_ms())) != NULL)
        web_client_close(c);
}

/* From the last one: closing one moves those after it. */
void web_flush(struct web *w)
{
    for (size_t i = w->pool.count; i-- > 0;)
        if (w->pool.all[i]->stage == HTTP_STREAMING)
            (void)web_client_go_on((struct web_client *)(void *)w->pool.all[i]);
}

void web_resume(struct web *w)
{
    for (size_t i = w->pool.count; i-- > 0;) {
        struct http_connection *c = w->pool.all[i];
        if (c->stage != HTTP_WAITING)
            continue;
        if (http_connection_resume(c, web_now_ms()))
            (void)web_client_go_on((struct web_client *)(void *)c);
        else
            web_client_close(c);
    }
}

void web_end_streams(struct web *w)
{
    for (size_t i = w->pool.count; i-- > 0;)
        if (w->pool.all[i]->stage == HTTP_STREAMING)
            web_client_close(w->pool.all[i]);
}

bool web_peer(const struct http_connection *http, struct network *out)
{
    const struct web_client *c = (const struct web_client *)(const void *)http;
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    return getpeername(c->fd, (struct sockaddr *)&peer, &length) == 0 &&
           network_of_peer((const struct sockaddr *)&peer, out);
}

struct http_pool *web_pool(struct web *w)
{
    return &w->pool;
}

/* --- opening and closing ------------------------------------------------- */

static bool web_listen(struct web *w, const char *text, struct sentence *why)
{
    struct sluice_address address;
    struct addrinfo *found = NULL;
    if (!sluice_address_parse(text, WEB_DOOR_PORT, &address) || address.is_unix)
        return sentence_fail(
            why, "--http takes host:port or [v6]:port, not '%.200s'", text);
    int error = sluice_address_resolve(&address, true, &found);
    if (error != 0)
        return sentence_fail(why, "cannot find the host of %.200s: %s", text,
                             gai_strerror(error));
    w->listener = evconnlistener_new_bind(
        w->base, web_on_accept, w,
        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, -1,
        found->ai_addr, (int)found->ai_addrlen);
    error = errno;
    freeaddrinfo(found);
    if (!w->listener)
        return sentence_fail(why, "cannot listen on %.200s: %s", text,
                             strerror(error));
    evconnlistener_set_error_cb(w->listener, web_on_accept_error);
    return true;
}

static void web_note_address(struct web *w)
{
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof bound;
    struct sockaddr *address = (struct sockaddr *)&bound;
    (void)getsockname(evconnlistener_get_fd(w->listener), address, &length);
    sluice_address_format(address, length, w->address, sizeof w->address);
}

static bool web_start(struct web *w)
{
    struct timeval look = {.tv_usec = WEB_LOOK_MS * 1000};
    w->look = event_new(w->base, -1, EV_PERSIST, web_on_look, w);
    return w->look && event_add(w->look, &look) == 0 &&
           http_pool_init(&w->pool, w->site->connections_max);
}

struct web *web_open(struct event_base *base, const struct http_site *site,
                     const char *address, struct tls_server *tls,
                     struct sentence *why)
{
    struct web *w = calloc(1, sizeof *w);
    if (w) {
        w->site = site;
        w->base = base;
        w->tls = tls;
    }
    if (!w || !web_start(w))
        sentence_fail(why, "out of memory");
    else if (web_listen(w, address, why)) {
        web_note_address(w);
        return w;
    }
    web_close(w);
    return NULL;
}

void web_close(struct web *w)
{
    if (!w)
        return;
    if (w->listener)
        evconnlistener_free(w->listener);
    while (w->pool.count > 0)
        web_client_close(w->pool.all[0]);
    http_pool_fini(&w->pool);
    web_free_event(w->look);
    free(w);
}

const char *web_address(const struct web *w)
{
    return w->address;
}
