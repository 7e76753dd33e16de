/* SPDX-License-Identifier: MIT */
#include "client/monitor/monitor.h"

#include "client/complain.h"
#include "client/monitor/site.h"
#include "client/monitor/sse.h"
#include "client/monitor/sse_clients.h"
#include "client/monitor/web.h"
#include "client/stop_signal.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MONITOR_BEAT_MS = 250, /* between looks for who fell silent */
    MONITOR_BATCH = 256,   /* messages of a feed before others have a turn */
};

struct monitor {
    const struct monitor_setup *setup;
    struct event_base *base;
    struct event *beat, *stop;
    void *context;
    size_t inlet_count;
    struct inlet {
        struct monitor *home;
        struct feed *feed;
        struct event *event;
    } inlet[MONITOR_FEEDS_MAX];
    struct gallery gallery;
    struct site site;
    struct web *web;
};

static int64_t monitor_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- news ---------------------------------------------------------------- */

/* `r` NULL: `p` fell silent. Nobody is told when there is no memory. */
static void monitor_tell(struct monitor *m, const struct reporter *p,
                         const struct report *r)
{
    struct http_pool *pool = web_pool(m->web);
    if (http_pool_streams(pool) == 0)
        return;
    char *event = r ? sse_report(p, r) : sse_silent(p);
    if (event)
        sse_clients_push(pool, event, web_now_ms());
    free(event);
    web_flush(m->web);
}

static void monitor_on_message(struct monitor *m,
                               const struct feed_message *message)
{
    struct report r;
    if (!report_read(&r, message))
        return;
    const struct reporter *p =
        gallery_take(&m->gallery, &r, monitor_clock_ms());
    if (p)
        monitor_tell(m, p, &r);
    report_fini(&r);
}

/* The descriptor tells only of changes: if messages are left, or came while
 * others were taken, the next turn is asked for by hand. */
static void inlet_on_readable(evutil_socket_t fd, short events, void *arg)
{
    struct inlet *inlet = arg;
    struct feed_message message;
    (void)fd;
    (void)events;
    for (int i = 0; i < MONITOR_BATCH; i++) {
        if (!feed_receive(inlet->feed, &message))
            return;
        monitor_on_message(inlet->home, &message);
    }
    event_active(inlet->event, EV_READ, 0);
}

static void monitor_on_beat(evutil_socket_t fd, short events, void *arg)
{
    struct monitor *m = arg;
    int64_t now_ms = monitor_clock_ms();
    (void)fd;
    (void)events;
    for (size_t i = 0; i < m->gallery.count; i++)
        if (reporter_check(m->gallery.reporter[i], now_ms))
            monitor_tell(m, m->gallery.reporter[i], NULL);
}

static void monitor_on_stop(evutil_socket_t fd, short events, void *base)
{
    (void)fd;
    (void)events;
    event_base_loopbreak(base);
}

/* --- opening and closing ------------------------------------------------- */

static int monitor_open_feed(struct monitor *m, const struct feed_setup *setup)
{
    struct inlet *inlet = &m->inlet[m->inlet_count];
    inlet->home = m;
    inlet->feed = feed_open(m->context, setup);
    if (!inlet->feed)
        return complain(EXIT_FAILED, "cannot use %s: %s", setup->endpoint,
                        feed_error());
    m->inlet_count++;
    if (setup->kind == FEED_SUBSCRIBE)
        feed_subscribe(inlet->feed, setup->is_bound ? "" : "sluice.");
    inlet->event = event_new(m->base, feed_fd(inlet->feed),
                             EV_READ | EV_PERSIST, inlet_on_readable, inlet);
    if (!inlet->event || event_add(inlet->event, NULL) != 0)
        return complain(EXIT_FAILED, "out of memory");
    event_active(inlet->event, EV_READ, 0); /* see above */
    return EXIT_DONE;
}

static int monitor_open_web(struct monitor *m)
{
    struct sentence why;
    if (!site_init(&m->site, &m->gallery, m->setup->names,
                   m->setup->name_count))
        return complain(EXIT_FAILED, "out of memory");
    m->web = web_open(m->base, &m->site.http, m->setup->http, &why);
    if (!m->web)
        return complain(EXIT_FAILED, "%s", why.text);
    m->site.pool = web_pool(m->web);
    return EXIT_DONE;
}

static int monitor_open(struct monitor *m)
{
    struct timeval beat = {.tv_usec = MONITOR_BEAT_MS * 1000};
    m->base = event_base_new();
    m->context = feed_context_new();
    if (!m->base || !m->context || !gallery_init(&m->gallery) ||
        !stop_signal_init())
        return complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    m->beat = event_new(m->base, -1, EV_PERSIST, monitor_on_beat, m);
    m->stop =
        event_new(m->base, stop_signal_fd(), EV_READ, monitor_on_stop, m->base);
    if (!m->beat || !m->stop || event_add(m->beat, &beat) != 0 ||
        event_add(m->stop, NULL) != 0)
        return complain(EXIT_FAILED, "out of memory");
    int status = monitor_open_web(m);
    for (size_t i = 0; i < m->setup->feed_count && status == EXIT_DONE; i++)
        status = monitor_open_feed(m, &m->setup->feed[i]);
    return status;
}

static void monitor_free_event(struct event *event)
{
    if (event)
        event_free(event);
}

static void monitor_close(struct monitor *m)
{
    web_close(m->web);
    site_fini(&m->site);
    while (m->inlet_count > 0) {
        struct inlet *inlet = &m->inlet[--m->inlet_count];
        monitor_free_event(inlet->event);
        feed_close(inlet->feed);
    }
    monitor_free_event(m->stop);
    monitor_free_event(m->beat);
    gallery_fini(&m->gallery);
    feed_context_free(m->context);
    if (m->base)
        event_base_free(m->base);
}

static void monitor_greet(const struct monitor *m)
{
    for (size_t i = 0; i < m->inlet_count; i++) {
        const struct feed_setup *setup = &m->setup->feed[i];
        char endpoint[FEED_ENDPOINT_BYTES];
        feed_endpoint(m->inlet[i].feed, endpoint);
        printf("%s %s\n", setup->is_bound ? "collecting at" : "watching",
               endpoint);
    }
    printf("look at http://%s/\n", web_address(m->web));
    fflush(stdout);
}

int monitor_run(const struct monitor_setup *setup)
{
    struct monitor *m = calloc(1, sizeof *m);
    if (!m)
        return complain(EXIT_FAILED, "out of memory");
    m->setup = setup;
    int status = monitor_open(m);
    if (status == EXIT_DONE) {
        monitor_greet(m);
        event_base_dispatch(m->base);
    }
    monitor_close(m);
    free(m);
    return status;
}
