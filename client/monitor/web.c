/* SPDX-License-Identifier: MIT */
#include "client/monitor/web.h"

#include "client/monitor/host.h"
#include "client/monitor/page.h"
#include "client/monitor/sieve.h"
#include "client/monitor/telling.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    WEB_TIMEOUT_S = 10, /* for a request, and for taking the answer */
    WEB_HEADERS_MAX = 8192,
    WEB_BODY_MAX = 4096, /* is read before the method is refused */
};

struct web {
    const struct web_setup *setup;
    struct evhttp *http;
    struct evconnlistener *listener; /* belongs to http */
    char address[WEB_ADDRESS_BYTES];
};

/* --- answers ------------------------------------------------------------- */

static const struct {
    const char *name, *value;
} web_headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; "
     "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
     "frame-ancestors 'none'"},
    {"X-Frame-Options", "DENY"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
    {"Connection", "close"},
};

static void web_set_headers(struct evhttp_request *request, const char *type)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    for (size_t i = 0; i < sizeof web_headers / sizeof *web_headers; i++)
        evhttp_add_header(headers, web_headers[i].name, web_headers[i].value);
    evhttp_add_header(headers, "Content-Type", type);
}

/* libevent would send the body of an answer to HEAD, too. */
static void web_send(struct evhttp_request *request, int status,
                     const char *reason)
{
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
        struct evbuffer *body = evhttp_request_get_output_buffer(request);
        char length[24];
        snprintf(length, sizeof length, "%zu", evbuffer_get_length(body));
        evhttp_add_header(evhttp_request_get_output_headers(request),
                          "Content-Length", length);
        evbuffer_drain(body, evbuffer_get_length(body));
    }
    evhttp_send_reply(request, status, reason, NULL);
}

static void web_refuse(struct evhttp_request *request, int status,
                       const char *reason)
{
    struct evbuffer *body = evhttp_request_get_output_buffer(request);
    web_set_headers(request, "text/plain; charset=utf-8");
    if (status == HTTP_BADMETHOD)
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow",
                          "GET, HEAD");
    evbuffer_add_printf(body, "%s\n", reason);
    web_send(request, status, reason);
}

static void web_serve_file(struct evhttp_request *request,
                           const struct page_file *file)
{
    web_set_headers(request, file->type);
    evbuffer_add_reference(evhttp_request_get_output_buffer(request),
                           file->bytes, file->length, NULL, NULL);
    web_send(request, HTTP_OK, "OK");
}

/* --- what is not in a file ----------------------------------------------- */

static void web_free_text(const void *data, size_t length, void *text)
{
    (void)data;
    (void)length;
    free(text);
}

static void web_serve_history(struct web *w, struct evhttp_request *request)
{
    struct timespec now;
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        telling_write_history(out, w->setup->gallery,
                              now.tv_sec * 1000 + now.tv_nsec / 1000000);
    if (!out || fclose(out) != 0) {
        free(text);
        web_refuse(request, HTTP_SERVUNAVAIL, "Out of memory");
        return;
    }
    web_set_headers(request, "application/json");
    evbuffer_add_reference(evhttp_request_get_output_buffer(request), text,
                           length, web_free_text, text);
    web_send(request, HTTP_OK, "OK");
}

static void web_serve_feed(struct web *w, struct evhttp_request *request)
{
    web_set_headers(request, "text/event-stream");
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD)
        web_send(request, HTTP_OK, "OK");
    else
        viewers_add(w->setup->viewers, request);
}

static const struct {
    const char *path;
    void (*serve)(struct web *w, struct evhttp_request *request);
} web_routes[] = {
    {"/history", web_serve_history},
    {"/feed", web_serve_feed},
};

static void web_route(struct web *w, struct evhttp_request *request)
{
    const char *path =
        evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    for (size_t i = 0; i < sizeof web_routes / sizeof *web_routes; i++)
        if (strcmp(web_routes[i].path, path) == 0) {
            web_routes[i].serve(w, request);
            return;
        }
    for (const struct page_file *file = page_files; file->path; file++)
        if (strcmp(file->path, path) == 0) {
            web_serve_file(request, file);
            return;
        }
    web_refuse(request, HTTP_NOTFOUND, "Not Found");
}

/* --- who may ask for what ------------------------------------------------ */

/* A blank before the colon is one: "Content-Length : 5". */
static bool web_is_header_name(const char *name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (const char *p = name; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
              (*p >= '0' && *p <= '9') || strchr(others, *p)))
            return false;
    return *name != '\0';
}

static bool web_is_read_only(struct evhttp_request *request)
{
    return evhttp_request_get_command(request) == EVHTTP_REQ_GET ||
           evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
}

/* libevent takes "+5" for 5, too; not everybody does. */
static bool web_is_length(const char *value)
{
    return *value && value[strspn(value, "0123456789")] == '\0';
}

/* Whether it is beyond doubt who asks whom, and where the request ends. */
static bool web_is_framing_sound(struct evhttp_request *request)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    size_t hosts = 0, origins = 0, lengths = 0;
    bool has_body = false;
    for (const struct evkeyval *h = headers->tqh_first; h;
         h = h->next.tqe_next) {
        if (!web_is_header_name(h->key) ||
            strcasecmp(h->key, "Transfer-Encoding") == 0)
            return false;
        bool is_length = strcasecmp(h->key, "Content-Length") == 0;
        if (is_length && !web_is_length(h->value))
            return false;
        has_body = has_body || (is_length && strcmp(h->value, "0") != 0);
        lengths += is_length;
        hosts += strcasecmp(h->key, "Host") == 0;
        origins += strcasecmp(h->key, "Origin") == 0;
    }
    return hosts == 1 && origins <= 1 && lengths <= 1 &&
           !(has_body && web_is_read_only(request));
}

static bool web_is_path(struct evhttp_request *request)
{
    const char *uri = evhttp_request_get_uri(request);
    const struct evhttp_uri *parts = evhttp_request_get_evhttp_uri(request);
    return uri && *uri == '/' && parts && evhttp_uri_get_path(parts);
}

static void web_on_request(struct evhttp_request *request, void *arg)
{
    struct web *w = arg;
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *host = evhttp_find_header(headers, "Host");
    const char *origin = evhttp_find_header(headers, "Origin");
    if (!web_is_path(request) || !web_is_framing_sound(request))
        web_refuse(request, HTTP_BADREQUEST, "Bad Request");
    else if (!host_is_known(host, w->setup->names, w->setup->name_count))
        web_refuse(request, 421, "Misdirected Request");
    else if (origin && !host_is_origin(host, origin))
        web_refuse(request, 403, "Forbidden");
    else if (!web_is_read_only(request))
        web_refuse(request, HTTP_BADMETHOD, "Method Not Allowed");
    else
        web_route(w, request);
}

/* --- the server ---------------------------------------------------------- */

static struct bufferevent *web_on_connection(struct event_base *base,
                                             void *unused)
{
    struct bufferevent *connection =
        bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    (void)unused;
    if (connection && sieve_attach(connection, WEB_TIMEOUT_S))
        return connection;
    if (connection)
        bufferevent_free(connection);
    return NULL;
}

static void web_go_on(evutil_socket_t fd, short events, void *listener)
{
    (void)fd;
    (void)events;
    evconnlistener_enable(listener);
}

/* Out of descriptors: rest, or the loop would spin. */
static void web_on_accept_error(struct evconnlistener *listener, void *unused)
{
    struct timeval pause = {.tv_sec = 1};
    (void)unused;
    evconnlistener_disable(listener);
    event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT,
                    web_go_on, listener, &pause);
}

static bool web_split(const char *address, char host[256], const char **port)
{
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : 0;
    bool is_v6 = n > 2 && address[0] == '[' && address[n - 1] == ']';
    if (n == 0 || n >= 256 || strspn(colon + 1, "0123456789") == 0 ||
        colon[1 + strspn(colon + 1, "0123456789")] != '\0')
        return false;
    snprintf(host, 256, "%.*s", (int)n - 2 * is_v6, address + is_v6);
    *port = colon + 1;
    return true;
}

static struct evconnlistener *web_listen(struct event_base *base,
                                         const char *address, char *sentence)
{
    char host[256];
    const char *port;
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE};
    if (!web_split(address, host, &port) ||
        getaddrinfo(host, port, &hints, &found) != 0) {
        snprintf(sentence, WEB_ADDRESS_BYTES,
                 "--http takes host:port or [v6]:port, not '%.200s'", address);
        return NULL;
    }
    struct evconnlistener *listener = evconnlistener_new_bind(
        base, NULL, NULL,
        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, -1,
        found->ai_addr, (int)found->ai_addrlen);
    if (!listener)
        snprintf(sentence, WEB_ADDRESS_BYTES, "cannot listen on %.200s: %s",
                 address, strerror(errno));
    freeaddrinfo(found);
    return listener;
}

static void web_note_address(struct web *w)
{
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof bound;
    char host[256] = "?", port[8] = "?";
    struct sockaddr *address = (struct sockaddr *)&bound;
    if (getsockname(evconnlistener_get_fd(w->listener), address, &length) == 0)
        getnameinfo(address, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(w->address, sizeof w->address,
             bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static void web_set_up(struct web *w)
{
    evhttp_set_timeout(w->http, WEB_TIMEOUT_S);
    evhttp_set_max_headers_size(w->http, WEB_HEADERS_MAX);
    evhttp_set_max_body_size(w->http, WEB_BODY_MAX);
    /* All that are known, so that it is us who refuse them. */
    evhttp_set_allowed_methods(w->http, 0x1ff);
    evhttp_set_bevcb(w->http, web_on_connection, NULL);
    evhttp_set_gencb(w->http, web_on_request, w);
    evconnlistener_set_error_cb(w->listener, web_on_accept_error);
}

struct web *web_open(struct event_base *base, const struct web_setup *setup,
                     char sentence[WEB_ADDRESS_BYTES])
{
    struct web *w = calloc(1, sizeof *w);
    struct evhttp *http = evhttp_new(base);
    snprintf(sentence, WEB_ADDRESS_BYTES, "out of memory");
    struct evconnlistener *listener =
        w && http ? web_listen(base, setup->address, sentence) : NULL;
    if (!listener || !evhttp_bind_listener(http, listener)) {
        if (listener)
            evconnlistener_free(listener);
        if (http)
            evhttp_free(http);
        free(w);
        return NULL;
    }
    *w = (struct web){.setup = setup, .http = http, .listener = listener};
    web_note_address(w);
    web_set_up(w);
    return w;
}

void web_close(struct web *w)
{
    if (!w)
        return;
    evhttp_free(w->http);
    free(w);
}

const char *web_address(const struct web *w)
{
    return w->address;
}
