/* SPDX-License-Identifier: MIT */
#include "client/monitor/site.h"

#include "client/monitor/page.h"
#include "client/monitor/reporter_json.h"
#include "client/monitor/sse_clients.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum {
    SITE_REQUESTS = 64,      /* connections beside the listening browsers */
    SITE_HEAD_MS = 10000,    /* for a request ... */
    SITE_ANSWER_MS = 60000,  /* ... and until its answer was taken */
    SITE_STALLED_MS = 60000, /* a browser that takes nothing is closed */
};

static int64_t site_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Consumes `value`. */
static bool site_dump(FILE *out, json_t *value)
{
    bool ok = value && json_dumpf(value, out, REPORTER_JSON) == 0;
    json_decref(value);
    return ok;
}

/* One reporter after the other: as objects, all that they have reported takes
 * ten times the memory of its text. */
static enum http_status site_write_history(void *arg, FILE *out)
{
    const struct site *s = arg;
    const struct reporters *all = s->reporters;
    bool ok = true;
    fprintf(out,
            "{\"now\":%" PRId64 ",\"step\":%d,\"slots\":%d,\"reporters\":[",
            site_clock_ms(), PAST_STEP_MS, PAST_SLOTS);
    for (size_t i = 0; ok && i < all->count; i++) {
        if (i > 0)
            fputc(',', out);
        ok = site_dump(out, reporter_json_all(all->reporter[i]));
    }
    fputs("],\"events\":", out);
    ok = ok && site_dump(out, json_incref(all->events));
    fputs("}\n", out);
    return ok ? HTTP_OK : HTTP_UNAVAILABLE;
}

static bool site_admit(void *arg)
{
    const struct site *s = arg;
    return sse_clients_has_room(s->pool);
}

static const struct http_route site_routes[] = {
    {"/history", "application/json", .write = site_write_history},
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

bool site_init(struct site *s, const struct reporters *reporters,
               const char *const *names, size_t name_count)
{
    *s = (struct site){.reporters = reporters};
    s->http = (struct http_site){
        .arg = s,
        .names = names,
        .name_count = name_count,
        .stranger = HTTP_MISDIRECTED,
        .has_own_origin = true,
        .headers =
            "Content-Security-Policy: default-src 'none'; script-src 'self'; "
            "style-src 'self'; connect-src 'self'; img-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
            "Referrer-Policy: no-referrer\r\n"
            "Cross-Origin-Opener-Policy: same-origin\r\n",
        .connections_max = SSE_CLIENTS_MAX + SITE_REQUESTS,
        .head_ms = SITE_HEAD_MS,
        .answer_ms = SITE_ANSWER_MS,
        .stall_ms = SITE_STALLED_MS,
        .unsent_max = SSE_CLIENTS_UNSENT_MAX,
    };
    s->routes = site_make_routes(&s->http.route_count);
    s->http.routes = s->routes;
    return s->routes != NULL;
}

void site_fini(struct site *s)
{
    free(s->routes);
}
