/* SPDX-License-Identifier: MIT */
#include "broker/monitoring.h"

#include <stdio.h>

#include "broker/monitor/broker_view.h"
#include "broker/monitor/identity.h"
#include "broker/monitor/monitor.h"
#include "broker/options/options.h"
#include "broker/session/reason.h"
#include "broker/session/roster.h"
#include "broker/session/sessions.h"

static bool reason_at(void *arg, size_t i, struct broker_view_reason *out)
{
    const struct sessions *sessions = arg;
    if (i >= REASON_TOTAL)
        return false;
    *out =
        (struct broker_view_reason){reason_rows[i].name, sessions->closed[i]};
    return true;
}

static void each_client(void *arg, view_fn *visit, void *visit_arg)
{
    roster_show(arg, visit, visit_arg);
}

static struct monitor_list list_of(const struct option_value *v)
{
    return (struct monitor_list){v->texts, v->count};
}

static struct monitor_config config_of(const struct options *o)
{
    return (struct monitor_config){
        .connects = list_of(&o->monitor_connect),
        .binds = list_of(&o->monitor_bind),
        .https = list_of(&o->http),
        .hosts = list_of(&o->http_host),
        .taps_per_second = o->tap_rate.number,
    };
}

size_t monitoring_descriptors(const struct options *o)
{
    struct monitor_config config = config_of(o);
    return monitor_is_configured(&config) ? MONITOR_DESCRIPTORS : 0;
}

bool monitoring_open(struct monitor **out, const struct options *o,
                     struct sessions *sessions, char *error, size_t room)
{
    char name[IDENTITY_NAME_BYTES], color[IDENTITY_COLOR_BYTES];
    char why[MONITOR_ERROR_BYTES];
    struct monitor_config config = config_of(o);
    *out = NULL;
    if (!monitor_is_configured(&config))
        return true;
    identity_name(o->listen.text, name);
    identity_color(o->name.text ? o->name.text : name, color);
    struct broker_view view = {
        .name = o->name.text ? o->name.text : name,
        .color = o->color.text ? o->color.text : color,
        .interval_ms = (uint32_t)o->monitor_interval.number,
        .reactor = sessions->reactor,
        .core = sessions->core,
        .counters = sessions->counters,
        .budget = sessions->budget,
        .log = sessions->log,
        .reason = reason_at,
        .each_client = each_client,
        .arg = sessions,
    };
    *out = monitor_new(&config, &view, why);
    if (!*out)
        snprintf(error, room, "%s", why);
    return *out != NULL;
}
