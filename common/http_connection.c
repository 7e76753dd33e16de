/* SPDX-License-Identifier: MIT */
#include "common/http_connection.h"

#include "common/http_host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A stream's buffer of more than this is given back when it is empty. */
enum { HTTP_STREAM_KEPT = 4096 };

/* The headers of every answer, of the broker and of the collector. */
static const char http_headers[] = "Connection: close\r\n"
                                   "Cache-Control: no-store\r\n"
                                   "X-Content-Type-Options: nosniff\r\n"
                                   "X-Frame-Options: DENY\r\n"
                                   "Cross-Origin-Resource-Policy: "
                                   "same-origin\r\n";

void http_connection_init(struct http_connection *c,
                          const struct http_site *site, uint32_t now_ms)
{
    *c = (struct http_connection){.site = site,
                                  .accepted_ms = now_ms,
                                  .moved_ms = now_ms,
                                  .allowed = "GET, HEAD",
                                  .user = HTTP_NO_USER,
                                  .refusal = HTTP_OK};
}

/* There may be a secret in it. */
static void http_connection_drop_head(struct http_connection *c)
{
    if (c->head)
        explicit_bzero(c->head, c->head_bytes);
    free(c->head);
    c->head = NULL;
}

void http_connection_fini(struct http_connection *c)
{
    http_connection_drop_head(c);
    free(c->out);
    http_document_unref(c->document);
}

/* --- answers ------------------------------------------------------------- */

/* `length` is a whole line, or "" for an answer without an end. */
static bool http_connection_put_head(struct http_connection *c,
                                     enum http_status status, const char *type,
                                     const char *length)
{
    bool is_refused = status == HTTP_METHOD_NOT_ALLOWED;
    int n = asprintf(&c->out,
                     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%s%s%s%s%s%s%s\r\n",
                     status, http_status_text(status), type, length,
                     is_refused ? "Allow: " : "", is_refused ? c->allowed : "",
                     is_refused ? "\r\n" : "", http_headers,
                     http_status_headers(status), c->site->headers);
    if (n < 0) {
        c->out = NULL;
        return false;
    }
    c->out_bytes = c->out_room = (size_t)n;
    return true;
}

/* The body is borrowed. */
static bool http_connection_answer(struct http_connection *c,
                                   enum http_status status, const char *type,
                                   const void *body, size_t n)
{
    char length[48];
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", n);
    c->stage = HTTP_ANSWERING;
    c->body = c->is_head ? NULL : body;
    c->body_bytes = c->is_head ? 0 : n;
    return http_connection_put_head(c, status, type, length);
}

/* Takes the reference. NULL: there is no memory. */
static bool http_connection_answer_with(struct http_connection *c,
                                        const char *type,
                                        struct http_document *d)
{
    c->document = d;
    return d && http_connection_answer(c, d->status, type, d->bytes, d->length);
}

/* `sentence` may be NULL: that of the status. */
static bool http_connection_refuse(struct http_connection *c,
                                   enum http_status status,
                                   const char *sentence)
{
    char *text;
    int n = asprintf(&text, "%s\n",
                     sentence ? sentence : http_status_sentence(status));
    return n >= 0 &&
           http_connection_answer_with(
               c, "text/plain", http_document_new(status, text, (size_t)n));
}

static bool http_connection_make(struct http_connection *c,
                                 const struct http_route *route,
                                 const struct http_request *r)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return false;
    enum http_status status = route->answer
                                  ? route->answer(c->site->arg, r, out)
                                  : route->write(c->site->arg, out);
    bool is_written = !ferror(out);
    const char *type =
        route->answer && status != HTTP_OK ? "text/plain" : route->type;
    if (fclose(out) == 0 && is_written)
        return http_connection_answer_with(c, type,
                                           http_document_new(status, text, n));
    free(text);
    return false;
}

static bool http_connection_get(struct http_connection *c,
                                const struct http_route *route)
{
    struct http_document *d = route->get(c->site->arg);
    c->awaited = d ? NULL : route;
    if (d)
        return http_connection_answer_with(c, route->type,
                                           http_document_ref(d));
    c->stage = HTTP_WAITING;
    return true;
}

bool http_connection_resume(struct http_connection *c, uint32_t now_ms)
{
    bool ok = c->stage != HTTP_WAITING || http_connection_get(c, c->awaited);
    if (c->stage == HTTP_ANSWERING)
        c->accepted_ms = now_ms;
    return ok;
}

static bool http_connection_stream(struct http_connection *c,
                                   const struct http_route *route)
{
    if (!c->is_head && !route->admit(c->site->arg))
        return http_connection_refuse(c, HTTP_UNAVAILABLE, NULL);
    c->stage = c->is_head ? HTTP_ANSWERING : HTTP_STREAMING;
    return http_connection_put_head(c, HTTP_OK, route->type, "");
}

/* --- requests ------------------------------------------------------------ */

static const struct http_route *
http_connection_find(const struct http_connection *c, const char *path)
{
    const struct http_route *routes = c->site->routes;
    for (size_t i = 0; i < c->site->route_count; i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return NULL;
}

/* HTTP_OK when it is to be served. When a request is not understood for
 * certain, neither its host nor its method is checked. */
static enum http_status http_connection_judge(const struct http_connection *c,
                                              const struct http_request *r,
                                              enum http_status parsed)
{
    const struct http_site *site = c->site;
    if (parsed != HTTP_OK && parsed != HTTP_METHOD_NOT_ALLOWED)
        return parsed;
    if (!http_host_is_known(r->host, site->names, site->name_count))
        return site->stranger;
    if (site->has_own_origin && r->origin &&
        !http_host_is_origin(r->host, r->origin, site->has_tls))
        return HTTP_FORBIDDEN;
    return c->refusal != HTTP_OK ? c->refusal : parsed;
}

/* The same for a request that is sound but perhaps for its method: whether the
 * route takes it. `route` is NULL when there is none. */
static enum http_status http_connection_judge_method(
    struct http_connection *c, const struct http_route *route,
    const struct http_request *r, enum http_status parsed)
{
    if (!route || !route->is_post)
        return parsed == HTTP_OK && !route ? HTTP_NOT_FOUND : parsed;
    c->allowed = "POST";
    if (!r->is_post)
        return HTTP_METHOD_NOT_ALLOWED;
    return r->has_body ? HTTP_BAD_REQUEST : HTTP_OK;
}

static bool http_connection_route(struct http_connection *c,
                                  const struct http_route *route)
{
    if (route->write || route->answer)
        return http_connection_make(c, route, &c->request);
    if (route->get)
        return http_connection_get(c, route);
    if (route->admit)
        return http_connection_stream(c, route);
    return http_connection_answer(c, HTTP_OK, route->type, route->bytes,
                                  route->length);
}

static bool http_connection_decide(struct http_connection *c,
                                   struct http_verdict verdict)
{
    const struct http_route *route = c->awaited;
    if (verdict.status == HTTP_UNDECIDED)
        return true;
    c->awaited = NULL;
    return verdict.status == HTTP_OK
               ? http_connection_route(c, route)
               : http_connection_refuse(c, verdict.status, verdict.sentence);
}

bool http_connection_judged(struct http_connection *c,
                            struct http_verdict verdict, uint32_t now_ms)
{
    bool ok = http_connection_decide(c, verdict);
    c->accepted_ms = now_ms;
    http_connection_drop_head(c);
    return ok;
}

static bool http_connection_serve(struct http_connection *c, size_t length)
{
    struct http_request request = {.user = c->user};
    const struct http_route *route = NULL;
    enum http_status status = http_connection_judge(
        c, &request, http_head_parse(&request, c->head, length));
    if (status == HTTP_OK || status == HTTP_METHOD_NOT_ALLOWED) {
        c->is_head = request.is_head;
        route = http_connection_find(c, request.path);
        status = http_connection_judge_method(c, route, &request, status);
    }
    if (status != HTTP_OK)
        return http_connection_refuse(c, status, NULL);
    c->stage = HTTP_JUDGING;
    c->awaited = route;
    c->request = request;
    return http_connection_decide(c, route->is_for_all || !c->site->judge
                                         ? (struct http_verdict){HTTP_OK, NULL}
                                         : c->site->judge(c, &c->request));
}

/* Looks for the end of the head, of which `looked` bytes hold none. */
static bool http_connection_look(struct http_connection *c, size_t looked)
{
    size_t length;
    switch (http_head_look(c->head, looked, c->head_bytes, &length)) {
    case HTTP_COMPLETE:
        return http_connection_serve(c, length);
    case HTTP_BROKEN:
        return http_connection_refuse(c, HTTP_BAD_REQUEST, NULL);
    case HTTP_MORE:
        break;
    }
    return c->head_bytes < HTTP_HEAD_MAX ||
           http_connection_refuse(c, HTTP_HEAD_TOO_LARGE, NULL);
}

void http_connection_expect(struct http_connection *c)
{
    if (c->stage == HTTP_SILENT)
        c->stage = HTTP_ASKING;
}

bool http_connection_receive(struct http_connection *c, const char *bytes,
                             size_t n, uint32_t now_ms)
{
    if (c->stage > HTTP_ASKING || n == 0)
        return true;
    if (!c->head && !(c->head = malloc(HTTP_HEAD_MAX)))
        return false;
    size_t looked = c->head_bytes, room = HTTP_HEAD_MAX - looked;
    c->stage = HTTP_ASKING;
    c->moved_ms = now_ms;
    memcpy(c->head + looked, bytes, n < room ? n : room);
    c->head_bytes += n < room ? n : room;
    bool ok = http_connection_look(c, looked);
    if (c->stage != HTTP_ASKING && c->stage != HTTP_JUDGING)
        http_connection_drop_head(c);
    return ok;
}

bool http_connection_wants_input(const struct http_connection *c)
{
    return c->stage != HTTP_JUDGING && c->stage != HTTP_WAITING &&
           c->stage != HTTP_ANSWERING;
}

/* --- sending ------------------------------------------------------------- */

int http_connection_output(const struct http_connection *c,
                           struct iovec out[HTTP_CONNECTION_IOVS])
{
    const struct {
        const char *bytes;
        size_t n;
    } pieces[HTTP_CONNECTION_IOVS] = {{c->out, c->out_bytes},
                                      {c->body, c->body_bytes}};
    size_t skip = c->sent;
    int count = 0;
    for (int i = 0; i < HTTP_CONNECTION_IOVS; i++) {
        size_t n = pieces[i].n, gone = skip < n ? skip : n;
        skip -= gone;
        /* writev(2) takes non-const pointers to bytes that it does not
         * change. */
        if (gone < n)
            out[count++] = (struct iovec){
                (void *)(uintptr_t)(pieces[i].bytes + gone), n - gone};
    }
    return count;
}

static size_t http_connection_unsent(const struct http_connection *c)
{
    return c->out_bytes + c->body_bytes - c->sent;
}

void http_connection_sent(struct http_connection *c, size_t n, uint32_t now_ms)
{
    assert(n <= http_connection_unsent(c));
    c->sent += n;
    c->moved_ms = now_ms;
    if (http_connection_unsent(c) > 0)
        return;
    if (c->stage == HTTP_ANSWERING)
        c->stage = HTTP_LEAVING;
    if (c->out_room > HTTP_STREAM_KEPT || c->stage == HTTP_LEAVING) {
        free(c->out);
        c->out = NULL;
        c->out_room = 0;
    }
    http_document_unref(c->document);
    c->document = NULL;
    c->body = NULL;
    c->out_bytes = c->body_bytes = c->sent = 0;
}

static bool http_connection_reserve(struct http_connection *c, size_t n)
{
    if (c->sent > 0) {
        c->out_bytes -= c->sent;
        memmove(c->out, c->out + c->sent, c->out_bytes);
        c->sent = 0;
    }
    if (c->out_room - c->out_bytes >= n)
        return true;
    size_t room = c->out_bytes + n + c->out_bytes / 2;
    char *more = realloc(c->out, room);
    if (!more)
        return false;
    c->out = more;
    c->out_room = room;
    return true;
}

bool http_connection_push(struct http_connection *c, const char *bytes,
                          size_t n, uint32_t now_ms)
{
    assert(c->stage == HTTP_STREAMING);
    size_t unsent = http_connection_unsent(c);
    if (n > c->site->unsent_max || unsent > c->site->unsent_max - n ||
        !http_connection_reserve(c, n))
        return false;
    if (unsent == 0)
        c->moved_ms = now_ms;
    memcpy(c->out + c->out_bytes, bytes, n);
    c->out_bytes += n;
    return true;
}

/* --- time ---------------------------------------------------------------- */

uint32_t http_connection_left_ms(const struct http_connection *c,
                                 uint32_t now_ms)
{
    const struct http_site *site = c->site;
    uint32_t since = c->accepted_ms, limit = site->answer_ms;
    if (c->stage <= HTTP_ASKING || c->stage == HTTP_JUDGING)
        limit = site->head_ms;
    if (c->stage == HTTP_WAITING)
        limit = site->wait_ms;
    if (c->stage == HTTP_STREAMING) {
        if (http_connection_unsent(c) == 0)
            return UINT32_MAX;
        since = c->moved_ms;
        limit = site->stall_ms;
    }
    uint32_t age = now_ms - since;
    return age < limit ? limit - age : 0;
}
