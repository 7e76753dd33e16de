/* SPDX-License-Identifier: MIT */
#include "client/monitor/site.h"

#include "client/monitor/page.h"
#include "client/monitor/reporter_json.h"
#include "client/monitor/sse_clients.h"
#include "client/monitor/web.h"
#include "client/page_users.h"
#include "users/network.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    SITE_SHARE = 10,         /* making histories takes one part of the time */
    SITE_REQUESTS = 64,      /* connections beside the listening browsers */
    SITE_HEAD_MS = 10000,    /* for a request ... */
    SITE_WAIT_MS = 60000,    /* ... for a history to be made ... */
    SITE_ANSWER_MS = 60000,  /* ... and until its answer was taken */
    SITE_STALLED_MS = 60000, /* a browser that takes nothing is closed */
};

static int64_t site_clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool site_write_reporters(const struct reporters *all, FILE *out)
{
    bool ok = true;
    for (size_t i = 0; ok && i < all->count; i++) {
        if (i > 0)
            fputc(',', out);
        ok = reporter_json_write(all->reporter[i], out);
    }
    return ok;
}

static bool site_write_history(const struct site *s, FILE *out)
{
    fprintf(out,
            "{\"now\":%" PRId64 ",\"step\":%d,\"slots\":%d,\"reporters\":[",
            site_clock_ms(CLOCK_REALTIME), PAST_STEP_MS, PAST_SLOTS);
    bool ok = site_write_reporters(s->reporters, out);
    fputs("],\"events\":", out);
    ok = ok && json_dumpf(s->reporters->events, out, REPORT_JSON) == 0;
    fputs("}\n", out);
    return ok && !ferror(out);
}

/* NULL without memory. */
static struct http_document *site_make_history(const struct site *s)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    bool ok = site_write_history(s, out);
    if (fclose(out) == 0 && ok)
        return http_document_new(HTTP_OK, text, length);
    free(text);
    return NULL;
}

/* The place of one that is not being sent; NULL when there is none. */
static struct http_document **site_find_place(struct site *s)
{
    for (size_t i = SITE_HISTORIES_MAX; i-- > 0;)
        if (!s->histories[i] || s->histories[i]->refs == 1)
            return &s->histories[i];
    return NULL;
}

/* Readers that take very long get no new ones, or these would fill memory: then
 * the last one remains. */
static void site_renew_history(struct site *s)
{
    int64_t begun_ms = site_clock_ms(CLOCK_MONOTONIC), cost_ms;
    struct http_document **place = site_find_place(s);
    struct http_document *made = place ? site_make_history(s) : NULL;
    if (made) {
        http_document_unref(*place);
        for (; place > s->histories; place--)
            place[0] = place[-1];
        s->histories[0] = made;
    }
    cost_ms = site_clock_ms(CLOCK_MONOTONIC) - begun_ms;
    s->next_ms = begun_ms + (cost_ms * SITE_SHARE > SITE_HISTORY_MS
                                 ? cost_ms * SITE_SHARE
                                 : SITE_HISTORY_MS);
}

static struct http_document *site_get_history(void *arg)
{
    struct site *s = arg;
    int64_t left_ms = s->next_ms - site_clock_ms(CLOCK_MONOTONIC);
    struct timeval left = {.tv_sec = left_ms / 1000,
                           .tv_usec = left_ms % 1000 * 1000};
    if (s->is_new)
        return s->histories[0];
    if (left_ms > 0) {
        if (!event_pending(s->timer, EV_TIMEOUT, NULL))
            event_add(s->timer, &left);
        return NULL;
    }
    site_renew_history(s);
    return s->histories[0];
}

static void site_on_timer(evutil_socket_t fd, short events, void *arg)
{
    struct site *s = arg;
    (void)fd;
    (void)events;
    site_renew_history(s);
    s->is_new = true;
    web_resume(s->web);
    s->is_new = false;
}

static bool site_admit(void *arg)
{
    const struct site *s = arg;
    return sse_clients_has_room(web_pool(s->web));
}

static const struct http_route site_routes[] = {
    {"/history", "application/json", .get = site_get_history},
    {"/feed", "text/event-stream", .admit = site_admit},
};

enum { SITE_ROUTES = sizeof site_routes / sizeof *site_routes };

/* The routes above, then the files of the page. NULL when there is no
 * memory. */
static struct http_route *site_make_routes(size_t *count)
{
    size_t files = 0;
    while (page_files[files].path)
        files++;
    struct http_route *routes = calloc(SITE_ROUTES + files, sizeof *routes);
    if (!routes)
        return NULL;
    for (size_t i = 0; i < SITE_ROUTES; i++)
        routes[i] = site_routes[i];
    for (size_t i = 0; i < files; i++)
        routes[SITE_ROUTES + i] = (struct http_route){
            .path = page_files[i].path,
            .type = page_files[i].type,
            .bytes = page_files[i].bytes,
            .length = page_files[i].length,
        };
    *count = SITE_ROUTES + files;
    return routes;
}

/* Also each file of the page: whoever asks should learn at once that a login is
 * wanted. */
static struct http_verdict site_judge(struct http_connection *c,
                                      const struct http_request *request)
{
    struct site *s = c->site->arg;
    struct network from;
    static const struct http_verdict gone = {HTTP_UNAUTHORIZED, NULL};
    if (!web_peer(c, &from))
        return gone;
    return page_users_judge(s->users, request->authorization, &from);
}

bool site_init(struct site *s, struct event_base *base,
               const struct reporters *reporters, struct page_users *users,
               const char *const *names, size_t name_count)
{
    *s = (struct site){.reporters = reporters, .users = users};
    s->http = (struct http_site){
        .arg = s,
        .names = names,
        .name_count = name_count,
        .stranger = HTTP_MISDIRECTED,
        .has_own_origin = true,
        .judge = users ? site_judge : NULL,
        .headers =
            "Content-Security-Policy: default-src 'none'; script-src 'self'; "
            "style-src 'self'; connect-src 'self'; img-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
            "Referrer-Policy: no-referrer\r\n"
            "Cross-Origin-Opener-Policy: same-origin\r\n",
        .connections_max = SSE_CLIENTS_MAX + SITE_REQUESTS,
        .head_ms = SITE_HEAD_MS,
        .wait_ms = SITE_WAIT_MS,
        .answer_ms = SITE_ANSWER_MS,
        .stall_ms = SITE_STALLED_MS,
        .unsent_max = SSE_CLIENTS_UNSENT_MAX,
    };
    s->routes = site_make_routes(&s->http.route_count);
    s->http.routes = s->routes;
    s->timer = event_new(base, -1, 0, site_on_timer, s);
    return s->routes && s->timer;
}

void site_fini(struct site *s)
{
    if (s->timer)
        event_free(s->timer);
    for (size_t i = 0; i < SITE_HISTORIES_MAX; i++)
        http_document_unref(s->histories[i]);
    free(s->routes);
}

size_t site_bytes(const struct site *s)
{
    size_t bytes = 0;
    for (size_t i = 0; i < SITE_HISTORIES_MAX; i++)
        bytes += s->histories[i] ? s->histories[i]->length : 0;
    return bytes;
}
