/* SPDX-License-Identifier: MIT */
#include "broker/monitor/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "broker/base/clock.h"
#include "broker/base/counters.h"
#include "broker/base/list.h"
#include "broker/net/listener.h"
#include "broker/net/reactor.h"
#include "broker/net/stream.h"
#include "common/http_host.h"

struct http {
    struct http_config config;
    struct reactor *reactor;
    struct counters *counters;
    struct listener *listeners;
    struct reactor_timer *timer;
    struct list clients; /* the oldest first */
    size_t client_count;
};

/* ASKING until the head is here, ANSWERING until the answer has gone, then
 * LEAVING until the peer has closed: closing first, with input unread, would
 * make the kernel take the answer back. */
enum client_state { CLIENT_ASKING, CLIENT_ANSWERING, CLIENT_LEAVING };

struct client {
    struct deferred deferred;
    struct list link;
    struct http *http;
    struct stream *stream;
    enum client_state state;
    clock_ms since;
    size_t read;
    char *answer; /* NULL until there is one */
    size_t answer_bytes, sent;
    char head[HTTP_HEAD_MAX];
};

static const struct status_row {
    enum http_status status;
    const char *text;
} status_rows[] = {
    {HTTP_OK, "OK"},
    {HTTP_BAD_REQUEST, "Bad Request"},
    {HTTP_FORBIDDEN, "Forbidden"},
    {HTTP_NOT_FOUND, "Not Found"},
    {HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed"},
    {HTTP_HEAD_TOO_LARGE, "Request Header Fields Too Large"},
    {HTTP_UNAVAILABLE, "Service Unavailable"},
    {HTTP_VERSION_NOT_SUPPORTED, "HTTP Version Not Supported"},
};

static const char *status_text(enum http_status status)
{
    const struct status_row *row = status_rows;
    while (row->status != status)
        row++;
    return row->text;
}

static void client_free(struct deferred *d)
{
    struct client *c = (struct client *)(void *)d;
    free(c->answer);
    free(c);
}

static void client_close(struct client *c)
{
    stream_close(c->stream);
    list_remove(&c->link);
    c->http->client_count--;
    reactor_defer(c->http->reactor, &c->deferred);
}

/* Answering. */

static void client_leave(struct client *c)
{
    c->state = CLIENT_LEAVING;
    stream_shutdown(c->stream);
    if (!stream_set(c->stream, STREAM_READING, false))
        client_close(c);
}

static void client_send(struct client *c)
{
    size_t put = 0;
    enum stream_status status = STREAM_OK;
    while (c->sent < c->answer_bytes && status == STREAM_OK) {
        struct iovec iov = {c->answer + c->sent, c->answer_bytes - c->sent};
        status = stream_write(c->stream, &iov, 1, &put);
        if (status == STREAM_OK)
            c->sent += put;
    }
    if (c->sent == c->answer_bytes)
        client_leave(c);
    else if (status != STREAM_AGAIN ||
             !stream_set(c->stream, STREAM_RESTING, true))
        client_close(c);
}

static void write_head(FILE *out, enum http_status status, const char *type,
                       size_t bytes)
{
    fprintf(out,
            "HTTP/1.1 %d %s\r\n"
            "Content-Type: %s\r\n"
            "Content-Length: %zu\r\n"
            "%s"
            "Connection: close\r\n"
            "Cache-Control: no-store\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "X-Frame-Options: DENY\r\n"
            "Cross-Origin-Resource-Policy: same-origin\r\n"
            "Content-Security-Policy: default-src 'none'; "
            "frame-ancestors 'none'\r\n"
            "\r\n",
            status, status_text(status), type, bytes,
            status == HTTP_METHOD_NOT_ALLOWED ? "Allow: GET, HEAD\r\n" : "");
}

/* False when there is no memory. */
static bool client_compose(struct client *c, enum http_status status,
                           const char *type, const char *body, size_t bytes,
                           bool is_head)
{
    FILE *out = open_memstream(&c->answer, &c->answer_bytes);
    if (!out)
        return false;
    write_head(out, status, type, bytes);
    if (!is_head)
        fwrite(body, 1, bytes, out);
    bool ok = !ferror(out);
    return fclose(out) == 0 && ok;
}

static void client_answer(struct client *c, enum http_status status,
                          const char *type, const char *body, size_t bytes,
                          bool is_head)
{
    c->state = CLIENT_ANSWERING;
    counter_add(c->http->counters, COUNT_http_requests, 1);
    if (client_compose(c, status, type, body, bytes, is_head))
        client_send(c);
    else
        client_close(c);
}

static void client_refuse(struct client *c, enum http_status status)
{
    char body[64];
    int n = snprintf(body, sizeof body, "%s\n", status_text(status));
    client_answer(c, status, "text/plain", body, (size_t)n, false);
}

static const struct http_route *find_route(const struct http_config *config,
                                           const char *path)
{
    for (size_t i = 0; i < config->route_count; i++)
        if (strcmp(config->routes[i].path, path) == 0)
            return &config->routes[i];
    return NULL;
}

static void client_serve(struct client *c, const struct http_route *route,
                         bool is_head)
{
    char *body = NULL;
    size_t bytes;
    FILE *out = open_memstream(&body, &bytes);
    if (!out) {
        client_close(c);
        return;
    }
    enum http_status status = route->write(c->http->config.arg, out);
    bool ok = !ferror(out);
    if (fclose(out) == 0 && ok)
        client_answer(c, status, route->type, body, bytes, is_head);
    else
        client_close(c);
    free(body);
}

/* Asking. */

static void client_on_head(struct client *c, size_t length)
{
    const struct http_config *config = &c->http->config;
    struct http_request request;
    enum http_status status = http_head_parse(&request, c->head, length);
    bool is_sound = status == HTTP_OK || status == HTTP_METHOD_NOT_ALLOWED;
    if (is_sound &&
        !http_host_is_known(request.host, config->names, config->name_count))
        status = HTTP_FORBIDDEN;
    if (status != HTTP_OK) {
        client_refuse(c, status);
        return;
    }
    const struct http_route *route = find_route(config, request.path);
    if (route)
        client_serve(c, route, request.is_head);
    else
        client_refuse(c, HTTP_NOT_FOUND);
}

static void client_on_bytes(struct client *c, size_t n)
{
    size_t length, looked = c->read;
    c->read += n;
    enum http_progress progress =
        http_head_look(c->head, looked, c->read, &length);
    if (progress == HTTP_COMPLETE)
        client_on_head(c, length);
    else if (progress == HTTP_BROKEN)
        client_refuse(c, HTTP_BAD_REQUEST);
    else if (c->read == HTTP_HEAD_MAX)
        client_refuse(c, HTTP_HEAD_TOO_LARGE);
}

static void client_on_readable(void *owner)
{
    struct client *c = owner;
    char waste[4096];
    size_t got = 0;
    struct iovec iov = {c->head + c->read, HTTP_HEAD_MAX - c->read};
    if (c->state == CLIENT_LEAVING)
        iov = (struct iovec){waste, sizeof waste};
    enum stream_status status = stream_read(c->stream, &iov, 1, &got);
    if (status == STREAM_END || status == STREAM_RESET)
        client_close(c);
    else if (status == STREAM_OK && c->state == CLIENT_ASKING)
        client_on_bytes(c, got);
}

static void client_on_writable(void *owner)
{
    struct client *c = owner;
    if (c->state == CLIENT_ANSWERING)
        client_send(c);
}

static void client_on_end(void *owner, enum stream_status how)
{
    /* It may have closed its side and still want the answer. */
    if (how == STREAM_RESET)
        client_close(owner);
}

static const struct stream_events client_events = {
    client_on_readable, client_on_writable, client_on_end};

/* Coming and going. */

static struct client *http_oldest(const struct http *h)
{
    return list_is_empty(&h->clients)
               ? NULL
               : LIST_OF(h->clients.next, struct client, link);
}

static void http_schedule(struct http *h)
{
    const struct client *oldest = http_oldest(h);
    if (!oldest || reactor_timer_is_running(h->timer))
        return;
    uint32_t age = clock_elapsed_ms(reactor_now_ms(h->reactor), oldest->since);
    (void)reactor_timer_start(h->timer,
                              age < HTTP_LIFE_MS ? HTTP_LIFE_MS - age : 0);
}

static void http_on_timer(void *arg)
{
    struct http *h = arg;
    struct client *c;
    clock_ms now = reactor_now_ms(h->reactor);
    while ((c = http_oldest(h)) != NULL &&
           clock_elapsed_ms(now, c->since) >= HTTP_LIFE_MS)
        client_close(c);
    http_schedule(h);
}

static void http_on_accept(void *owner, int fd, const struct sockaddr *peer,
                           socklen_t length)
{
    struct http *h = owner;
    struct client *c = calloc(1, sizeof *c);
    struct stream *stream = stream_open(h->reactor, fd, &client_events, c);
    (void)peer;
    (void)length;
    if (!c || !stream) {
        if (stream)
            stream_close(stream);
        free(c);
        return;
    }
    c->deferred.free = client_free;
    c->http = h;
    c->stream = stream;
    c->since = reactor_now_ms(h->reactor);
    list_insert(&h->clients, &c->link);
    if (++h->client_count > HTTP_CLIENTS_MAX)
        client_close(http_oldest(h));
    http_schedule(h);
}

/* The listener rests for a moment by itself. */
static void http_on_accept_error(void *owner, int err)
{
    (void)owner;
    (void)err;
}

static const struct listener_events http_events = {http_on_accept,
                                                   http_on_accept_error};

struct http *http_new(struct reactor *r, struct counters *counters,
                      const struct http_config *config)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->config = *config;
    h->reactor = r;
    h->counters = counters;
    list_init(&h->clients);
    h->timer = reactor_timer_new(r, http_on_timer, h);
    if (!h->timer) {
        free(h);
        return NULL;
    }
    return h;
}

void http_free(struct http *h)
{
    struct client *c;
    if (!h)
        return;
    while (h->listeners)
        h->listeners = listener_close(h->listeners);
    while ((c = http_oldest(h)) != NULL)
        client_close(c);
    reactor_timer_free(h->timer);
    free(h);
}

bool http_listen(struct http *h, const char *address,
                 char error[HTTP_ERROR_BYTES])
{
    return listener_open(h->reactor, address, HTTP_DEFAULT_PORT, &http_events,
                         h, &h->listeners, error);
}

const struct listener *http_listeners(const struct http *h)
{
    return h->listeners;
}
