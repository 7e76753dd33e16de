/* SPDX-License-Identifier: MIT */
#include "broker/options/exposure.h"

#include <stdio.h>
#include <string.h>

#include "broker/options/loopback.h"
#include "broker/options/options.h"
#include "common/mistakes.h"

enum { HOST_BYTES = 128 };

/* Whether only programs of this machine can connect to an endpoint. */
static bool exposure_is_local(const char *endpoint)
{
    static const char tcp[] = "tcp://", ipc[] = "ipc://";
    char host[HOST_BYTES];
    if (strncmp(endpoint, ipc, strlen(ipc)) == 0)
        return true;
    const char *port = strrchr(endpoint, ':');
    if (strncmp(endpoint, tcp, strlen(tcp)) != 0 ||
        port < endpoint + strlen(tcp))
        return false;
    const char *begin = endpoint + strlen(tcp), *end = port;
    if (*begin == '[' && end > begin + 1 && end[-1] == ']') {
        begin++;
        end--;
    }
    snprintf(host, sizeof host, "%.*s", (int)(end - begin), begin);
    /* "lo" is what ZeroMQ calls that interface. */
    return loopback_is_host(host) || strcmp(host, "lo") == 0;
}

static bool check_binds(const char *option, const struct option_value *binds,
                        struct mistakes *m)
{
    for (size_t i = 0; i < binds->count; i++)
        if (!exposure_is_local(binds->texts[i]))
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
    if (o->monitor_key.text && !o->monitor_clients.text && !o->users.text)
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
