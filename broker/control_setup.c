/* SPDX-License-Identifier: MIT */
#include "broker/control_setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/base/log.h"
#include "broker/http/server.h"
#include "broker/listeners.h"
#include "broker/monitor/broker_view.h"
#include "broker/net/listener.h"
#include "broker/options/options.h"
#include "broker/session/client_views.h"
#include "common/address.h"
#include "common/local_place.h"
#include "common/sentence.h"

enum {
    CONTROL_CONNECTIONS = 4,
    CONTROL_DESCRIPTORS = CONTROL_CONNECTIONS + 4, /* sockets, their locks */
    CONTROL_UMASK = 0117,                          /* owner and group */
};

static bool is_off(const struct options *o)
{
    return strcmp(o->control.text, "off") == 0;
}

size_t control_setup_descriptors(const struct options *o)
{
    return is_off(o) ? 0 : CONTROL_DESCRIPTORS;
}

static uint64_t show_clients(void *arg, uint64_t after, size_t count,
                             view_fn *visit, void *visit_arg)
{
    return client_views_show_after(arg, after, count, visit, visit_arg);
}

static bool control_listen(struct control_setup *s, const char *address,
                           struct sentence *why)
{
    mode_t mask = umask(CONTROL_UMASK);
    const struct http_demands none = {.may_use_tls = false};
    bool ok = http_server_listen(s->http, address, none, why);
    umask(mask);
    return ok;
}

/* `listening` is NULL when the broker has no listener of that kind. */
static void control_listen_for(struct control_setup *s, const char *listening)
{
    char address[SLUICE_ADDRESS_TEXT_BYTES];
    struct local_places places;
    struct local_path path;
    struct sentence why;
    if (!listening)
        return;
    local_places_init(&places);
    bool ok = local_place_choose(&places, listening, "control", &path, &why);
    if (ok) {
        snprintf(address, sizeof address, "unix:%s", path.text);
        ok = control_listen(s, address, &why);
    }
    if (!ok)
        log_event(s->control.log, LOG_WARNING, "control_unavailable",
                  LOG_TEXT("addr", listening), LOG_TEXT("why", why.text));
}

static bool control_open_server(struct control_setup *s,
                                const struct broker_view *parts,
                                struct clients *clients, struct sentence *why)
{
    struct http_server_config config = {
        .log = parts->log,
        .arg = &s->control,
        .connections_max = CONTROL_CONNECTIONS,
    };
    s->control = (struct control){.core = parts->core,
                                  .reactor = parts->reactor,
                                  .log = parts->log,
                                  .clients = show_clients,
                                  .clients_arg = clients};
    config.routes = control_routes(&config.route_count);
    s->http = http_server_new(parts->reactor, parts->counters, &config);
    return s->http || sentence_fail(why, "cannot open the control socket: %s",
                                    strerror(errno));
}

bool control_setup_open(struct control_setup *s, const struct options *o,
                        const struct broker_view *parts,
                        struct clients *clients,
                        const struct listeners *listeners, struct sentence *why)
{
    if (is_off(o))
        return true;
    if (!control_open_server(s, parts, clients, why))
        return false;
    if (strcmp(o->control.text, "auto") != 0)
        return control_listen(s, o->control.text, why);
    /* The last one opened is the first of the server's. */
    control_listen_for(s, listeners_first(listeners, true));
    control_listen_for(s, listeners_first(listeners, false));
    return true;
}

void control_setup_log(const struct control_setup *s)
{
    const struct listener *l = s->http ? http_server_listeners(s->http) : NULL;
    for (; l; l = listener_next(l))
        log_event(s->control.log, LOG_INFO, "control",
                  LOG_TEXT("addr", listener_address(l)));
}

void control_setup_close(struct control_setup *s)
{
    http_server_free(s->http);
    s->http = NULL;
}
