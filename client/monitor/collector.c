/* SPDX-License-Identifier: MIT */
#include "client/monitor/collector.h"

#include "client/complain.h"
#include "client/lib/failure.h"
#include "client/monitor/doorman.h"
#include "client/monitor/guard.h"
#include "client/monitor/local_endpoint.h"
#include "client/monitor/poll_loop.h"
#include "client/monitor/site.h"
#include "client/monitor/sse.h"
#include "client/monitor/sse_clients.h"
#include "client/monitor/web.h"
#include "client/monitor/web_door.h"
#include "client/page_users.h"
#include "client/stop_signal.h"
#include "client/tls_server.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    COLLECTOR_BEAT_MS = 100,   /* between looks at reporters and the guard */
    COLLECTOR_LOOK_BEATS = 20, /* between looks for a local feed */
    COLLECTOR_REST_MS = 1000, /* receivers stay closed when the guard objects */
    COLLECTOR_BATCH_MS = 10,  /* of a receiver before others have a turn */
};

struct collector {
    const struct collector_setup *setup;
    struct event_base *base;
    struct event *beat, *stop;
    void *context;
    size_t inlet_count;
    struct inlet {
        struct collector *home;
        const struct receiver_setup *setup;
        struct receiver *receiver;              /* NULL while it is closed */
        struct event *event;                    /* the same */
        char endpoint[RECEIVER_ENDPOINT_BYTES]; /* with the real port */
    } inlet[COLLECTOR_INLETS_MAX + 1];
    struct collector_look {
        bool is_over; /* it was found, or there can be none */
        int beats;    /* since the last look */
        struct local_endpoint found;
        struct receiver_setup setup;
    } look; /* for the local feed */
    size_t poll_count;
    struct poll_loop *poll[CLI_OPTION_TEXTS_MAX];
    struct guard guard;
    bool is_resting;      /* receivers are closed, */
    uint32_t rest_end_ms; /* until this time of web_now_ms */
    struct reporters reporters;
    struct site site;
    struct doorman *doorman; /* NULL: nobody is asked for keys */
    struct web *web;
    struct tls_server *tls;   /* of the page; NULL: in clear */
    struct page_users *users; /* who may see it; NULL: everybody */
};

static int64_t collector_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- news ---------------------------------------------------------------- */

/* Notifies the browsers that `p` has reported `r`, or, if `r` is NULL, that `p`
 * fell silent. Without memory the event is dropped. */
static void collector_tell(struct collector *c, const struct reporter *p,
                           const struct report *r)
{
    struct http_pool *pool = web_pool(c->web);
    if (http_pool_streams(pool) == 0)
        return;
    char *event = r ? sse_report(p, r) : sse_silent(p);
    if (event)
        sse_clients_push(pool, event, web_now_ms());
    free(event);
    web_flush(c->web);
}

static void collector_on_message(void *arg,
                                 const struct receiver_message *message)
{
    struct collector *c = arg;
    struct report r;
    if (!report_read(&r, message))
        return;
    const struct reporter *p = NULL;
    if (report_trim(&r))
        p = reporters_take(&c->reporters, &r, collector_clock_ms());
    if (p)
        collector_tell(c, p, &r);
    report_fini(&r);
}

/* The descriptor signals changes only: if messages are left, or came while
 * others were taken, the event is activated by hand. */
static void inlet_on_readable(evutil_socket_t fd, short events, void *arg)
{
    struct inlet *inlet = arg;
    struct receiver_message message;
    (void)fd;
    (void)events;
    uint32_t begun_ms = web_now_ms();
    while (web_now_ms() - begun_ms < COLLECTOR_BATCH_MS) {
        if (!receiver_receive(inlet->receiver, &message))
            return;
        collector_on_message(inlet->home, &message);
    }
    event_active(inlet->event, EV_READ, 0);
}

static void collector_free_event(struct event *event)
{
    if (event)
        event_free(event);
}

static void inlet_close(struct inlet *inlet)
{
    collector_free_event(inlet->event);
    receiver_close(inlet->receiver);
    inlet->event = NULL;
    inlet->receiver = NULL;
}

/* False, with errno, when that is not possible. */
static bool inlet_open(struct inlet *inlet, const char *endpoint)
{
    struct collector *c = inlet->home;
    struct receiver_setup setup = *inlet->setup;
    setup.endpoint = endpoint;
    inlet->receiver = receiver_open(c->context, &setup);
    if (!inlet->receiver)
        return false;
    receiver_endpoint(inlet->receiver, inlet->endpoint);
    if (setup.kind == RECEIVER_SUBSCRIBE)
        receiver_subscribe(inlet->receiver, setup.is_bound ? "" : "sluice.");
    inlet->event = event_new(c->base, receiver_fd(inlet->receiver),
                             EV_READ | EV_PERSIST, inlet_on_readable, inlet);
    if (!inlet->event || event_add(inlet->event, NULL) != 0) {
        inlet_close(inlet);
        errno = ENOMEM;
        return false;
    }
    event_active(inlet->event, EV_READ, 0); /* see inlet_on_readable */
    return true;
}

static void collector_print_inlet(const struct inlet *inlet)
{
    printf("%s %s\n", inlet->setup->is_bound ? "collecting at" : "watching",
           inlet->endpoint);
    fflush(stdout);
}

/* --- what libzmq does not bound ------------------------------------------ */

/* Honest reporters connect again by themselves. */
static void collector_rest(struct collector *c, const char *why)
{
    complain(EXIT_FAILED,
             "%s for what is received: disconnected all reporters, and will "
             "listen again in a second; a peer may be hostile",
             why);
    for (size_t i = 0; i < c->inlet_count; i++)
        inlet_close(&c->inlet[i]);
    c->is_resting = true;
    c->rest_end_ms = web_now_ms() + COLLECTOR_REST_MS;
}

/* An address may be in use for a moment after it was closed: then the next beat
 * tries again. */
static void collector_reopen(struct collector *c,
                             const struct guard_allowance *http)
{
    guard_relieve(&c->guard, http);
    c->is_resting = false;
    for (size_t i = 0; i < c->inlet_count; i++) {
        struct inlet *inlet = &c->inlet[i];
        char endpoint[RECEIVER_ENDPOINT_BYTES];
        strcpy(endpoint, inlet->endpoint);
        if (!inlet->receiver && !inlet_open(inlet, endpoint))
            c->is_resting = true;
    }
}

static void collector_guard(struct collector *c)
{
    const struct http_pool *pool = web_pool(c->web);
    struct guard_allowance http = {http_pool_bytes(pool) + site_bytes(&c->site),
                                   pool->count};
    if (c->is_resting) {
        if ((int32_t)(web_now_ms() - c->rest_end_ms) >= 0)
            collector_reopen(c, &http);
        return;
    }
    const char *why = guard_check(&c->guard, &http);
    if (why)
        collector_rest(c, why);
}

/* --- the local feed ------------------------------------------------------ */

/* The broker may start later. True when it is watched from now on. */
static bool collector_look(struct collector *c)
{
    struct sentence why;
    enum local_place_found found =
        local_endpoint_find(c->setup->server, &c->look.found, &why);
    struct inlet *inlet = &c->inlet[c->inlet_count];
    c->look.is_over = found != LOCAL_ABSENT;
    c->look.beats = 0;
    if (found != LOCAL_FOUND)
        return false;
    c->look.setup = (struct receiver_setup){.kind = RECEIVER_SUBSCRIBE,
                                            .endpoint = c->look.found.text,
                                            .max_bytes = c->setup->max_bytes};
    *inlet = (struct inlet){.home = c, .setup = &c->look.setup};
    if (!inlet_open(inlet, c->look.found.text))
        return false;
    c->inlet_count++;
    return true;
}

static void collector_look_again(struct collector *c)
{
    if (c->look.is_over || c->is_resting ||
        ++c->look.beats < COLLECTOR_LOOK_BEATS)
        return;
    if (collector_look(c))
        collector_print_inlet(&c->inlet[c->inlet_count - 1]);
}

static void collector_on_beat(evutil_socket_t fd, short events, void *arg)
{
    struct collector *c = arg;
    int64_t now_ms = collector_clock_ms();
    (void)fd;
    (void)events;
    for (size_t i = 0; i < c->reporters.count; i++)
        if (reporter_check(c->reporters.reporter[i], now_ms))
            collector_tell(c, c->reporters.reporter[i], NULL);
    collector_guard(c);
    collector_look_again(c);
    if (c->users && page_users_look(c->users))
        web_end_streams(c->web);
}

static void collector_on_stop(evutil_socket_t fd, short events, void *base)
{
    (void)fd;
    (void)events;
    event_base_loopbreak(base);
}

/* --- opening and closing ------------------------------------------------- */

static int collector_open_inlet(struct collector *c,
                                const struct receiver_setup *setup)
{
    struct inlet *inlet = &c->inlet[c->inlet_count++];
    *inlet = (struct inlet){.home = c, .setup = setup};
    return inlet_open(inlet, setup->endpoint)
               ? EXIT_DONE
               : complain(EXIT_FAILED, "cannot use %s: %s", setup->endpoint,
                          receiver_error());
}

static int collector_open_doorman(struct collector *c)
{
    struct sentence why;
    c->doorman = doorman_open(c->base, c->context, c->setup->reporters, &why);
    return c->doorman ? EXIT_DONE
                      : complain(EXIT_FAILED, "--reporters: %s", why.text);
}

static int collector_open_poll(struct collector *c, const char *url)
{
    struct sluice_failure why;
    struct poll_loop *l = poll_loop_open(c->base, url, c->setup->target,
                                         collector_on_message, c, &why);
    if (!l)
        return complain(EXIT_USAGE, "--connect: %s", why.sentence);
    c->poll[c->poll_count++] = l;
    return EXIT_DONE;
}

static int collector_open_web(struct collector *c)
{
    struct sentence why;
    struct web_door door;
    const struct collector_setup *s = c->setup;
    if (!web_door_decide(s->http, s->certificate != NULL, s->users != NULL,
                         &door, &why))
        return complain(EXIT_USAGE, "%s", why.text);
    if (door.has_tls) {
        c->tls = tls_server_new(s->certificate, s->key, &why);
        if (!c->tls)
            return complain(EXIT_USAGE, "%s", why.text);
    }
    if (door.has_login && !(c->users = page_users_new(s->users)))
        return EXIT_USAGE;
    if (!site_init(&c->site, c->base, &c->reporters, c->users, s->names,
                   s->name_count))
        return complain(EXIT_FAILED, "out of memory");
    c->site.http.has_tls = door.has_tls;
    c->web = web_open(c->base, &c->site.http, door.address, c->tls, &why);
    if (!c->web)
        return complain(EXIT_FAILED, "%s", why.text);
    c->site.web = c->web;
    return EXIT_DONE;
}

static int collector_open(struct collector *c)
{
    struct timeval beat = {.tv_usec = COLLECTOR_BEAT_MS * 1000};
    c->base = event_base_new();
    c->context = receiver_context_new();
    if (!c->base || !c->context || !reporters_init(&c->reporters) ||
        !stop_signal_init())
        return complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    c->beat = event_new(c->base, -1, EV_PERSIST, collector_on_beat, c);
    c->stop = event_new(c->base, stop_signal_fd(), EV_READ, collector_on_stop,
                        c->base);
    if (!c->beat || !c->stop || event_add(c->beat, &beat) != 0 ||
        event_add(c->stop, NULL) != 0)
        return complain(EXIT_FAILED, "out of memory");
    int status = collector_open_web(c);
    if (status == EXIT_DONE && c->setup->reporters)
        status = collector_open_doorman(c);
    for (size_t i = 0; i < c->setup->receiver_count && status == EXIT_DONE; i++)
        status = collector_open_inlet(c, &c->setup->receiver[i]);
    for (size_t i = 0; i < c->setup->document_count && status == EXIT_DONE; i++)
        status = collector_open_poll(c, c->setup->documents[i]);
    c->look.is_over = c->setup->server == NULL;
    if (status == EXIT_DONE && !c->look.is_over)
        (void)collector_look(c);
    return status;
}

static void collector_close(struct collector *c)
{
    web_close(c->web);
    site_fini(&c->site);
    tls_server_free(c->tls);
    page_users_free(c->users);
    while (c->inlet_count > 0)
        inlet_close(&c->inlet[--c->inlet_count]);
    while (c->poll_count > 0)
        poll_loop_close(c->poll[--c->poll_count]);
    doorman_close(c->doorman);
    collector_free_event(c->stop);
    collector_free_event(c->beat);
    reporters_fini(&c->reporters);
    receiver_context_free(c->context);
    if (c->base)
        event_base_free(c->base);
}

static void collector_greet(const struct collector *c)
{
    for (size_t i = 0; i < c->inlet_count; i++) {
        const struct inlet *inlet = &c->inlet[i];
        printf("%s %s\n", inlet->setup->is_bound ? "collecting at" : "watching",
               inlet->endpoint);
    }
    for (size_t i = 0; i < c->poll_count; i++)
        printf("watching %s\n", poll_loop_url(c->poll[i]));
    printf("look at %s://%s/\n", c->tls ? "https" : "http",
           web_address(c->web));
    fflush(stdout);
}

int collector_run(const struct collector_setup *setup)
{
    struct collector *c = calloc(1, sizeof *c);
    if (!c)
        return complain(EXIT_FAILED, "out of memory");
    c->setup = setup;
    guard_init(&c->guard);
    int status = collector_open(c);
    if (status == EXIT_DONE) {
        collector_greet(c);
        event_base_dispatch(c->base);
    }
    collector_close(c);
    free(c);
    return status;
}
