/* SPDX-License-Identifier: MIT */
#include "broker/monitor_setup.h"

#include <errno.h>
#include <string.h>

#include "broker/base/log.h"
#include "broker/http/server.h"
#include "broker/listeners.h"
#include "broker/monitor/broker_view.h"
#include "broker/monitor/identity.h"
#include "broker/monitor/monitor.h"
#include "broker/monitor/outlet.h"
#include "broker/monitor/watchers.h"
#include "broker/net/listener.h"
#include "broker/net/tls.h"
#include "broker/net/tls_tally.h"
#include "broker/options/door.h"
#include "broker/options/options.h"
#include "broker/session/client_views.h"
#include "broker/session/clients.h"
#include "broker/session/identity.h"
#include "broker/session/reason.h"
#include "common/address.h"
#include "common/local_place.h"
#include "common/sentence.h"
#include "users/users.h"

static bool reason_at(void *arg, size_t i, struct broker_view_reason *out)
{
    const struct clients *clients = arg;
    if (i >= REASON_TOTAL)
        return false;
    *out = (struct broker_view_reason){reason_rows[i].name, clients->closed[i]};
    return true;
}

/* What is no fault has no row. */
static bool tls_fault_at(void *arg, size_t i, struct broker_view_reason *out)
{
    const struct clients *clients = arg;
    size_t fault = i + 1;
    if (fault >= TLS_FAULTS)
        return false;
    *out = (struct broker_view_reason){tls_fault_rows[fault].name,
                                       tls_tally(clients->tls)->failed[fault]};
    return true;
}

static const struct durations *tls_durations(void *arg)
{
    const struct clients *clients = arg;
    return &tls_tally(clients->tls)->durations;
}

struct user_visit {
    broker_view_user_fn *visit;
    void *arg;
};

static void show_user(void *arg, const struct identity_view *v)
{
    const struct user_visit *to = arg;
    struct broker_view_user user = {.name = v->user,
                                    .users = v->users,
                                    .connections = v->connections,
                                    .memory_bytes = v->memory_bytes,
                                    .denied = v->denied,
                                    .limits = v->limits};
    to->visit(to->arg, &user);
}

static void show_users(void *arg, broker_view_user_fn *visit, void *visit_arg)
{
    struct user_visit to = {visit, visit_arg};
    identities_show(arg, show_user, &to);
}

static void begin_clients(void *arg)
{
    client_views_begin(arg);
}

static bool show_clients(void *arg, size_t count, view_fn *visit,
                         void *visit_arg)
{
    return client_views_show(arg, count, visit, visit_arg);
}

static struct endpoints list_of(const struct option_value *v)
{
    return (struct endpoints){v->texts, v->count};
}

static struct monitor_config config_of(const struct options *o)
{
    return (struct monitor_config){
        .connects = list_of(&o->monitor_connect),
        .binds = {[OUTLET_TOPICS] = list_of(&o->monitor_bind),
                  [OUTLET_JSON] = list_of(&o->monitor_json),
                  [OUTLET_PUSH] = list_of(&o->monitor_push)},
        .is_for_http = o->http.count > 0,
        .taps_per_second = o->tap_rate.number,
        .key = o->monitor_key.text,
        .clients = o->monitor_clients.text,
        .collector = o->monitor_collector.text,
        .users = o->known,
    };
}

static bool has_local_feed(const struct options *o)
{
    return strcmp(o->feed.text, "off") != 0;
}

/* How many sockets are bound for watchers. */
static size_t socket_count(const struct options *o)
{
    const struct option_value *const binds[] = {
        &o->monitor_bind, &o->monitor_json, &o->monitor_push};
    size_t n = 0;
    for (size_t i = 0; i < sizeof binds / sizeof *binds; i++)
        n += binds[i]->count > 0;
    return n;
}

static bool is_watched(const struct options *o)
{
    return o->monitor_connect.count + socket_count(o) + o->http.count > 0;
}

size_t monitor_setup_descriptors(const struct options *o)
{
    size_t feed = socket_count(o) * watchers_most() * WATCHERS_DESCRIPTORS;
    if (is_watched(o))
        return MONITOR_DESCRIPTORS + feed;
    return has_local_feed(o) ? MONITOR_LOCAL_DESCRIPTORS : 0;
}

static bool open_monitor(struct monitor_setup *m, const struct options *o,
                         const struct broker_view *parts,
                         struct clients *clients, struct sentence *why)
{
    char name[IDENTITY_NAME_BYTES], color[IDENTITY_COLOR_BYTES];
    struct door first;
    struct monitor_config config = config_of(o);
    struct broker_view view = *parts;
    identity_name(door_parse(DOOR_LISTEN, o->listen.text, &first, why)
                      ? first.address
                      : o->listen.text,
                  name);
    view.name = o->name.text ? o->name.text : name;
    identity_color(view.name, color);
    view.color = o->color.text ? o->color.text : color;
    view.interval_ms = (uint32_t)o->monitor_interval.number;
    view.reason = reason_at;
    view.tls_fault = tls_fault_at;
    view.tls_durations = tls_durations;
    view.show_users = show_users;
    view.begin_clients = begin_clients;
    view.show_clients = show_clients;
    view.arg = clients;
    m->monitor = monitor_new(&config, &view, why);
    return m->monitor != NULL;
}

static void on_ready(void *http)
{
    http_server_resume(http);
}

/* `listening` is NULL when the broker has no listener of that kind. */
static void listen_for(struct monitor_setup *m, const struct broker_view *parts,
                       const char *listening)
{
    struct local_places places;
    struct local_path path;
    struct sentence why;
    if (!listening)
        return;
    local_places_init(&places);
    if (!local_place_choose(&places, listening, "feed", &path, &why) ||
        !monitor_listen(m->monitor, path.text, &why))
        log_event(parts->log, LOG_WARNING, "local_feed_unavailable",
                  LOG_TEXT("addr", listening), LOG_TEXT("why", why.text));
}

static bool open_local_feed(struct monitor_setup *m, const struct options *o,
                            const struct broker_view *parts,
                            const struct listeners *listeners,
                            struct sentence *why)
{
    struct sluice_address named;
    if (!has_local_feed(o))
        return true;
    if (strcmp(o->feed.text, "auto") != 0)
        return sluice_address_parse(o->feed.text, "", &named) &&
               monitor_listen(m->monitor, named.host, why);
    listen_for(m, parts, listeners_first(listeners, false));
    listen_for(m, parts, listeners_first(listeners, true));
    return true;
}

/* What is demanded where other machines can connect, if it is not all. */
static void log_demands(const struct door *d, struct log *log)
{
    bool is_safe = d->is_local || (d->tls == DOOR_TLS_REQUIRED &&
                                   d->auth == DOOR_AUTH_REQUIRED);
    if (!is_safe)
        log_event(log, LOG_WARNING, "unprotected", LOG_TEXT("http", d->address),
                  LOG_TEXT("tls", door_tls_word(d)),
                  LOG_TEXT("auth", door_auth_word(d)));
}

static bool open_http_door(struct monitor_setup *m, const struct options *o,
                           const char *text, const struct broker_view *parts,
                           struct sentence *why)
{
    struct door d;
    if (!door_parse(DOOR_HTTP, text, &d, why) || !door_decide(&d, o, why))
        return false; /* the options were checked */
    log_demands(&d, parts->log);
    const struct http_demands demands = {
        .may_use_tls = d.tls != DOOR_TLS_NONE,
        .must_use_tls = d.tls == DOOR_TLS_REQUIRED,
        .must_be_known = d.auth == DOOR_AUTH_REQUIRED};
    return http_server_listen(m->http, d.address, demands, why);
}

bool monitor_setup_set_users(struct monitor_setup *m, struct users *users)
{
    monitor_set_users(m->monitor, users);
    if (!m->http || http_server_set_users(m->http, users_ref(users)))
        return true;
    users_unref(users);
    return false;
}

static bool open_http(struct monitor_setup *m, const struct options *o,
                      const struct broker_view *parts, struct tls *tls,
                      struct tries *tries, struct sentence *why)
{
    struct http_server_config config = {
        .log = parts->log,
        .tls = tls,
        .tries = tries,
        .arg = m->monitor,
        .names = o->http_host.texts,
        .name_count = o->http_host.count,
        .connections_max = HTTP_SERVER_CONNECTIONS_MAX,
    };
    config.routes = monitor_routes(&config.route_count);
    m->http = http_server_new(parts->reactor, parts->counters, &config);
    if (!m->http || (o->known && !monitor_setup_set_users(m, o->known)))
        return sentence_fail(why, "cannot start HTTP: %s", strerror(errno));
    monitor_on_ready(m->monitor, on_ready, m->http);
    for (size_t i = 0; i < o->http.count; i++)
        if (!open_http_door(m, o, o->http.texts[i], parts, why))
            return false;
    for (const struct listener *l = http_server_listeners(m->http); l;
         l = listener_next(l))
        log_event(parts->log, LOG_INFO, "serving_http",
                  LOG_TEXT("addr", listener_address(l)));
    return true;
}

bool monitor_setup_open(struct monitor_setup *m, const struct options *o,
                        const struct broker_view *parts,
                        struct clients *clients,
                        const struct listeners *listeners, struct sentence *why)
{
    return (!is_watched(o) && !has_local_feed(o)) ||
           (open_monitor(m, o, parts, clients, why) &&
            open_local_feed(m, o, parts, listeners, why));
}

bool monitor_setup_start(struct monitor_setup *m, const struct options *o,
                         const struct broker_view *parts, struct tls *tls,
                         struct tries *tries, struct sentence *why)
{
    monitor_log_locals(m->monitor);
    return !is_watched(o) ||
           (monitor_start(m->monitor, why) &&
            (o->http.count == 0 || open_http(m, o, parts, tls, tries, why)));
}

void monitor_setup_close(struct monitor_setup *m)
{
    http_server_free(m->http);
    monitor_free(m->monitor);
    *m = (struct monitor_setup){.monitor = NULL};
}
