/* SPDX-License-Identifier: MIT */
#include "broker/monitor/monitor.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "broker/base/log.h"
#include "broker/monitor/broker_view.h"
#include "broker/monitor/bulletin.h"
#include "broker/monitor/document.h"
#include "broker/monitor/lag.h"
#include "broker/monitor/local_feed.h"
#include "broker/monitor/outlet.h"
#include "broker/monitor/pub_socket.h"
#include "broker/monitor/survey.h"
#include "broker/net/reactor.h"
#include "common/http_site.h"
#include "common/key_file.h"
#include "common/loopback.h"
#include "common/sentence.h"
#include "users/users.h"

struct monitor {
    struct monitor_config config;
    struct local_feed locals[MONITOR_LOCALS_MAX];
    size_t local_count;
    struct broker_view broker;
    char *name, *color; /* of `broker` */
    struct pub_socket_shared shared;
    struct lag *lag; /* NULL until it is started, and all that follows */
    struct reactor_timer *timer;
    struct survey *survey;
    struct bulletin bulletin;
    struct pub_socket *reports; /* NULL without --monitor-connect */
    struct outlet *outlet;      /* NULL while there is no feed */
};

/* Once per interval: sends the periodic documents. */
static void monitor_on_timer(void *arg)
{
    struct monitor *m = arg;
    (void)reactor_timer_start(m->timer, m->broker.interval_ms);
    lag_update(m->lag, m->broker.counters);
    broker_view_advance(&m->broker);
    if (outlet_send(m->outlet))
        survey_start(m->survey, true);
    char *report = m->reports ? document_stats(&m->broker) : NULL;
    if (!report)
        return;
    struct pub_socket_part part = {report, strlen(report)};
    pub_socket_send(m->reports, &part, 1);
    free(report);
}

static void monitor_on_survey(void *arg, const struct survey_result *seen,
                              bool is_periodic)
{
    struct monitor *m = arg;
    if (is_periodic)
        outlet_send_seen(m->outlet, seen);
    bulletin_publish(&m->bulletin, seen);
}

/* What HTTP serves. */

static struct http_document *get_metrics(void *arg)
{
    struct monitor *m = arg;
    return bulletin_get(&m->bulletin, BULLETIN_METRICS);
}

static struct http_document *get_stats(void *arg)
{
    struct monitor *m = arg;
    return bulletin_get(&m->bulletin, BULLETIN_STATS);
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
    fputs(m->broker.is_stopping ? "stopping\n" : "ready\n", out);
    return m->broker.is_stopping ? HTTP_UNAVAILABLE : HTTP_OK;
}

static const struct http_route routes[] = {
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8",
     .get = get_metrics},
    {"/stats", "application/json", .get = get_stats},
    {"/healthz", "text/plain", .is_for_all = true, .write = write_health},
    {"/readyz", "text/plain", .is_for_all = true, .write = write_readiness},
};

const struct http_route *monitor_routes(size_t *count)
{
    *count = sizeof routes / sizeof *routes;
    return routes;
}

/* Opening. Each function returns false, with the reason, on failure. */

static bool monitor_open_loop(struct monitor *m, struct sentence *why)
{
    if (m->lag)
        return true;
    m->lag = lag_new(m->broker.reactor);
    m->timer = reactor_timer_new(m->broker.reactor, monitor_on_timer, m);
    m->survey = survey_new(&m->broker, monitor_on_survey, m);
    bulletin_init(&m->bulletin, &m->broker, m->lag, m->survey);
    if (!m->lag || !m->timer || !m->survey ||
        !reactor_timer_start(m->timer, m->broker.interval_ms))
        return sentence_fail(why, "cannot start monitoring: %s",
                             strerror(errno));
    broker_view_advance(&m->broker);
    return true;
}

static bool monitor_open_zmq(struct monitor *m, struct sentence *why)
{
    return m->shared.zmq ||
           pub_socket_shared_init(&m->shared, m->broker.reactor,
                                  m->broker.counters, m->broker.log) ||
           sentence_fail(why, "cannot start ZeroMQ: %s", zmq_strerror(errno));
}

/* Reports are for collectors that have the other half of a key, and come from
 * the owner of ours. */
static bool monitor_protect_reports(struct monitor *m, struct sentence *why)
{
    const struct monitor_config *c = &m->config;
    char secret[KEY_FILE_TEXT_BYTES], collector[KEY_FILE_TEXT_BYTES];
    struct sentence reason;
    if (!c->collector)
        return true;
    if (!key_file_read(c->collector, false, collector, why) ||
        !key_file_read(c->key, true, secret, why))
        return false;
    bool ok = pub_socket_trust(m->reports, collector, secret, &reason);
    explicit_bzero(secret, sizeof secret);
    return ok || sentence_fail(why, "--monitor-collector: %s", reason.text);
}

static void monitor_log_endpoint(const struct monitor *m, const char *endpoint)
{
    log_event(m->broker.log, LOG_INFO, "reporting",
              LOG_TEXT("endpoint", endpoint), LOG_TEXT("name", m->broker.name));
    if (!m->config.collector && !loopback_is_endpoint(endpoint))
        log_event(m->broker.log, LOG_WARNING, "unprotected",
                  LOG_TEXT("reports", endpoint));
}

static bool monitor_open_reports(struct monitor *m,
                                 const struct endpoints *endpoints,
                                 struct sentence *why)
{
    struct sentence reason;
    if (endpoints->count == 0)
        return true;
    m->reports = pub_socket_new(&m->shared, PUB_SOCKET_PUB, NULL, NULL);
    if (!m->reports)
        return sentence_fail(why, "cannot start reports: %s",
                             zmq_strerror(errno));
    if (!monitor_protect_reports(m, why))
        return false;
    for (size_t i = 0; i < endpoints->count; i++) {
        const char *endpoint = endpoints->items[i];
        if (!pub_socket_connect(m->reports, endpoint, &reason))
            return sentence_fail(why, "--monitor-connect: %s: %s", endpoint,
                                 reason.text);
        monitor_log_endpoint(m, endpoint);
    }
    return pub_socket_start(m->reports, why);
}

static bool monitor_binds(const struct monitor *m)
{
    size_t count = 0;
    for (size_t i = 0; i < OUTLET_KINDS; i++)
        count += m->config.binds[i].count;
    return count > 0;
}

/* Opens the feed, and what it needs. */
static bool monitor_open_outlet(struct monitor *m, struct sentence *why)
{
    const struct monitor_config *c = &m->config;
    bool has_key = monitor_binds(m); /* the local feed has none */
    struct outlet_config config = {.locals = m->locals,
                                   .local_count = m->local_count,
                                   .taps_per_second = c->taps_per_second,
                                   .key = has_key ? c->key : NULL,
                                   .clients = has_key ? c->clients : NULL,
                                   .users = c->users};
    memcpy(config.binds, c->binds, sizeof config.binds);
    if (!monitor_open_loop(m, why) || !monitor_open_zmq(m, why))
        return false;
    m->outlet = outlet_new(&config, &m->broker, &m->shared, why);
    return m->outlet != NULL;
}

/* A program has connected to a local socket, and is served from now on. If that
 * is not possible, it and later ones are disconnected. */
static void monitor_on_local(void *arg)
{
    struct monitor *m = arg;
    struct sentence why;
    if (m->outlet || monitor_open_outlet(m, &why))
        return;
    log_event(m->broker.log, LOG_ERROR, "feed_not_opened",
              LOG_TEXT("why", why.text));
    while (m->local_count > 0)
        local_feed_close(&m->locals[--m->local_count]);
}

bool monitor_listen(struct monitor *m, const char *path, struct sentence *why)
{
    assert(m->local_count < MONITOR_LOCALS_MAX);
    bool ok = local_feed_open(&m->locals[m->local_count], m->broker.reactor,
                              path, monitor_on_local, m, why);
    m->local_count += ok;
    return ok;
}

void monitor_log_locals(const struct monitor *m)
{
    for (size_t i = 0; m && i < m->local_count; i++)
        log_event(m->broker.log, LOG_INFO, "local_feed",
                  LOG_TEXT("path", m->locals[i].file.path));
}

/* Copies, because the options may be replaced while it runs. */
static bool monitor_copy(struct monitor *m, const struct broker_view *broker,
                         struct sentence *why)
{
    m->broker = *broker;
    m->broker.name = m->name = strdup(broker->name);
    m->broker.color = m->color = strdup(broker->color);
    return (m->name && m->color) ||
           sentence_fail(why, "cannot start monitoring: %s", strerror(errno));
}

bool monitor_start(struct monitor *m, struct sentence *why)
{
    struct monitor_config *c = &m->config;
    bool has_reports = c->connects.count > 0, has_feed = monitor_binds(m);
    bool ok = (!(has_reports || has_feed || c->is_for_http) ||
               monitor_open_loop(m, why)) &&
              (!has_reports || (monitor_open_zmq(m, why) &&
                                monitor_open_reports(m, &c->connects, why))) &&
              (!has_feed || monitor_open_outlet(m, why));
    c->connects = (struct endpoints){.items = NULL};
    memset(c->binds, 0, sizeof c->binds);
    return ok;
}

struct monitor *monitor_new(const struct monitor_config *config,
                            const struct broker_view *broker,
                            struct sentence *why)
{
    struct monitor *m = calloc(1, sizeof *m);
    if (!m) {
        sentence_fail(why, "cannot start monitoring: %s", strerror(errno));
        return NULL;
    }
    m->config = *config;
    if (config->users)
        users_ref(config->users);
    if (monitor_copy(m, broker, why)) {
        broker_view_advance(&m->broker);
        return m;
    }
    monitor_free(m);
    return NULL;
}

void monitor_on_ready(struct monitor *m, void (*ready)(void *arg), void *arg)
{
    m->bulletin.ready = ready;
    m->bulletin.ready_arg = arg;
}

void monitor_set_interval(struct monitor *m, uint32_t ms)
{
    if (m)
        m->broker.interval_ms = ms;
}

void monitor_set_users(struct monitor *m, struct users *users)
{
    if (!m)
        return;
    users_unref(m->config.users);
    m->config.users = users_ref(users);
    if (m->outlet)
        outlet_set_users(m->outlet, users);
}

bool monitor_reload(struct monitor *m, struct sentence *why)
{
    return !m || !m->outlet || outlet_reload(m->outlet, why);
}

void monitor_free(struct monitor *m)
{
    if (!m)
        return;
    outlet_free(m->outlet);
    while (m->local_count > 0)
        local_feed_close(&m->locals[--m->local_count]);
    pub_socket_free(m->reports);
    bool is_over = pub_socket_shared_fini(&m->shared);
    bulletin_fini(&m->bulletin);
    survey_free(m->survey);
    reactor_timer_free(m->timer);
    lag_free(m->lag);
    users_unref(m->config.users);
    free(m->color);
    free(m->name);
    if (is_over)
        free(m);
}

void monitor_stop(struct monitor *m)
{
    if (m)
        m->broker.is_stopping = true;
}
