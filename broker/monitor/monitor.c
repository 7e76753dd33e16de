/* SPDX-License-Identifier: MIT */
#include "broker/monitor/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "broker/base/log.h"
#include "broker/monitor/document.h"
#include "broker/monitor/feed.h"
#include "broker/monitor/http.h"
#include "broker/monitor/lag.h"
#include "broker/monitor/metrics.h"
#include "broker/monitor/outlet.h"
#include "broker/monitor/subject.h"
#include "broker/net/listener.h"
#include "broker/net/reactor.h"

struct monitor {
    struct subject subject;
    char *name, *color; /* the subject's */
    char **hosts;       /* names of the HTTP server */
    size_t host_count;
    struct outlet_ground ground; /* its context is NULL without ZeroMQ */
    struct lag *lag;
    struct reactor_timer *timer;
    struct outlet *reports; /* NULL when there is nobody to report to */
    struct feed *feed;      /* NULL when nobody can listen */
    struct http *http;      /* NULL when nobody can ask */
};

/* Once per interval. */
static void monitor_on_timer(void *arg)
{
    struct monitor *m = arg;
    (void)reactor_timer_start(m->timer, m->subject.interval_ms);
    lag_update(m->lag, m->subject.counters);
    subject_advance(&m->subject);
    if (m->feed)
        feed_send(m->feed);
    char *report = m->reports ? document_stats(&m->subject) : NULL;
    if (!report)
        return;
    struct outlet_part part = {report, strlen(report)};
    outlet_send(m->reports, &part, 1);
    free(report);
}

/* What HTTP serves. */

static enum http_status write_metrics(void *arg, FILE *out)
{
    struct monitor *m = arg;
    lag_update(m->lag, m->subject.counters);
    subject_measure(&m->subject);
    metrics_write(&m->subject, out);
    return HTTP_OK;
}

static enum http_status write_stats(void *arg, FILE *out)
{
    struct monitor *m = arg;
    lag_update(m->lag, m->subject.counters);
    subject_measure(&m->subject);
    char *text = document_all(&m->subject);
    fprintf(out, "%s\n", text ? text : "");
    bool has_text = text != NULL;
    free(text);
    return has_text ? HTTP_OK : HTTP_UNAVAILABLE;
}

static enum http_status write_health(void *arg, FILE *out)
{
    (void)arg;
    fputs("ok\n", out);
    return HTTP_OK;
}

static enum http_status write_readiness(void *arg, FILE *out)
{
    const struct monitor *m = arg;
    fputs(m->subject.is_stopping ? "stopping\n" : "ready\n", out);
    return m->subject.is_stopping ? HTTP_UNAVAILABLE : HTTP_OK;
}

static const struct http_route routes[] = {
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics},
    {"/stats", "application/json", write_stats},
    {"/healthz", "text/plain", write_health},
    {"/readyz", "text/plain", write_readiness},
};

/* Opening. Each of these is false with a sentence in `error`. */

static bool fail(char *error, const char *what, const char *which,
                 const char *why)
{
    snprintf(error, MONITOR_ERROR_BYTES, "%s %s: %s", what, which, why);
    return false;
}

static bool monitor_open_loop(struct monitor *m, char *error)
{
    m->lag = lag_new(m->subject.reactor);
    m->timer = reactor_timer_new(m->subject.reactor, monitor_on_timer, m);
    if (!m->lag || !m->timer ||
        !reactor_timer_start(m->timer, m->subject.interval_ms))
        return fail(error, "cannot start", "monitoring", strerror(errno));
    subject_advance(&m->subject);
    return true;
}

/* One thread of its own does what must be done besides the loop. */
static bool monitor_open_zmq(struct monitor *m, char *error)
{
    m->ground.reactor = m->subject.reactor;
    m->ground.counters = m->subject.counters;
    m->ground.context = zmq_ctx_new();
    if (!m->ground.context)
        return fail(error, "cannot start", "ZeroMQ", zmq_strerror(errno));
    return true;
}

static bool monitor_open_reports(struct monitor *m,
                                 const struct monitor_list *endpoints,
                                 char *error)
{
    char why[OUTLET_ERROR_BYTES];
    if (endpoints->count == 0)
        return true;
    m->reports = outlet_new(&m->ground, OUTLET_PUB, NULL, NULL);
    if (!m->reports)
        return fail(error, "cannot start", "reports", zmq_strerror(errno));
    for (size_t i = 0; i < endpoints->count; i++) {
        const char *endpoint = endpoints->items[i];
        if (!outlet_connect(m->reports, endpoint, why))
            return fail(error, "--monitor-connect:", endpoint, why);
        log_event(m->subject.log, LOG_INFO, "reporting",
                  LOG_TEXT("endpoint", endpoint),
                  LOG_TEXT("name", m->subject.name));
    }
    return true;
}

static bool monitor_open_feed(struct monitor *m,
                              const struct monitor_list *endpoints,
                              uint64_t taps_per_second, char *error)
{
    char bound[OUTLET_ENDPOINT_BYTES], why[OUTLET_ERROR_BYTES];
    if (endpoints->count == 0)
        return true;
    m->feed = feed_new(&m->subject, &m->ground, taps_per_second);
    if (!m->feed)
        return fail(error, "cannot start", "the feed", zmq_strerror(errno));
    for (size_t i = 0; i < endpoints->count; i++) {
        const char *endpoint = endpoints->items[i];
        if (!feed_bind(m->feed, endpoint, bound, why))
            return fail(error, "--monitor-bind:", endpoint, why);
        log_event(m->subject.log, LOG_INFO, "feeding",
                  LOG_TEXT("endpoint", bound),
                  LOG_TEXT("name", m->subject.name));
    }
    return true;
}

static bool monitor_open_http(struct monitor *m,
                              const struct monitor_config *config, char *error)
{
    const struct http_config http = {
        .routes = routes,
        .route_count = sizeof routes / sizeof *routes,
        .arg = m,
        .names = m->hosts,
        .name_count = m->host_count,
    };
    if (config->https.count == 0)
        return true;
    m->http = http_new(m->subject.reactor, m->subject.counters, &http);
    if (!m->http)
        return fail(error, "cannot start", "HTTP", strerror(errno));
    for (size_t i = 0; i < config->https.count; i++)
        if (!http_listen(m->http, config->https.items[i], error))
            return false;
    for (const struct listener *l = http_listeners(m->http); l;
         l = listener_next(l))
        log_event(m->subject.log, LOG_INFO, "serving_http",
                  LOG_TEXT("addr", listener_address(l)));
    return true;
}

/* Options may be read anew while it runs. */
static bool monitor_copy(struct monitor *m, const struct monitor_config *c,
                         const struct subject *subject, char *error)
{
    m->subject = *subject;
    m->subject.name = m->name = strdup(subject->name);
    m->subject.color = m->color = strdup(subject->color);
    m->hosts = calloc(c->hosts.count + 1, sizeof *m->hosts);
    bool ok = m->name && m->color && m->hosts;
    for (size_t i = 0; ok && i < c->hosts.count; i++) {
        m->hosts[i] = strdup(c->hosts.items[i]);
        ok = m->hosts[i] != NULL;
        m->host_count += ok;
    }
    return ok || fail(error, "cannot start", "monitoring", strerror(errno));
}

static bool monitor_open(struct monitor *m, const struct monitor_config *c,
                         const struct subject *subject, char *error)
{
    bool wants_zmq = c->connects.count + c->binds.count > 0;
    return monitor_copy(m, c, subject, error) && monitor_open_loop(m, error) &&
           (!wants_zmq || monitor_open_zmq(m, error)) &&
           monitor_open_reports(m, &c->connects, error) &&
           monitor_open_feed(m, &c->binds, c->taps_per_second, error) &&
           monitor_open_http(m, c, error);
}

struct monitor *monitor_new(const struct monitor_config *config,
                            const struct subject *subject,
                            char error[MONITOR_ERROR_BYTES])
{
    struct monitor *m = calloc(1, sizeof *m);
    if (!m) {
        fail(error, "cannot start", "monitoring", strerror(errno));
        return NULL;
    }
    if (monitor_open(m, config, subject, error))
        return m;
    monitor_free(m);
    return NULL;
}

void monitor_set_interval(struct monitor *m, uint32_t ms)
{
    if (m)
        m->subject.interval_ms = ms;
}

void monitor_free(struct monitor *m)
{
    if (!m)
        return;
    http_free(m->http);
    feed_free(m->feed);
    outlet_free(m->reports);
    /* Waits for last words to leave, but not for long: the sockets linger
     * for a moment only. */
    while (m->ground.context && zmq_ctx_term(m->ground.context) != 0 &&
           errno == EINTR)
        continue;
    reactor_timer_free(m->timer);
    lag_free(m->lag);
    marks_fini(&m->subject.channels);
    marks_fini(&m->subject.clients);
    while (m->host_count > 0)
        free(m->hosts[--m->host_count]);
    free(m->hosts);
    free(m->color);
    free(m->name);
    free(m);
}

void monitor_stop(struct monitor *m)
{
    if (m)
        m->subject.is_stopping = true;
}
