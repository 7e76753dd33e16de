/* SPDX-License-Identifier: MIT */
#include "broker/options/exposure.h"

#include "broker/options/options.h"
#include "common/loopback.h"
#include "common/mistakes.h"

static bool check_binds(const char *option, const struct option_value *binds,
                        struct mistakes *m)
{
    for (size_t i = 0; i < binds->count; i++)
        if (!loopback_is_endpoint(binds->texts[i]))
            return mistakes_add(
                m,
                "--%s: other machines could watch at %s; bind to "
                "127.0.0.1 or ipc://PATH instead, or give --monitor-key, and "
                "--monitor-clients or --users, with keys that 'sluice keys' "
                "makes",
                option, binds->texts[i]);
    return true;
}

bool exposure_check(const struct options *o, struct mistakes *m)
{
    bool is_bound =
        o->monitor_bind.count + o->monitor_json.count + o->monitor_push.count >
        0;
    if (o->monitor_collector.text && !o->monitor_key.text)
        return mistakes_add(m, "--monitor-collector needs --monitor-key: a "
                               "file with this broker's secret key");
    bool is_for_reports = o->monitor_collector.text && !is_bound;
    if (o->monitor_key.text && !o->monitor_clients.text && !o->users.text &&
        !is_for_reports)
        return mistakes_add(m, "--monitor-key needs --monitor-clients, a file "
                               "with the public keys of those that may watch, "
                               "or --users, a file that has them");
    if (o->monitor_clients.text && !o->monitor_key.text)
        return mistakes_add(m, "--monitor-clients needs --monitor-key: a file "
                               "with this broker's secret key");
    return o->monitor_key.text ||
           (check_binds("monitor-bind", &o->monitor_bind, m) &&
            check_binds("monitor-json", &o->monitor_json, m) &&
            check_binds("monitor-push", &o->monitor_push, m));
}
