/* SPDX-License-Identifier: MIT
 *
 * sluice monitor - collects what brokers and applications report, and shows it
 * to browsers.
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/monitor/collector.h"
#include "client/monitor/keys.h"
#include "client/sluice.h"
#include "common/sentence.h"

/* Just above the longest document of a broker. */
enum { MONITOR_REPORT_MAX = 128 << 10 };

struct monitor_options {
    const char *server, *collect, *pull, *http;
    struct cli_option_texts connect, pull_from, names;
    struct key_options keys;
};

#define MONITOR_VALUE(field) offsetof(struct monitor_options, field)

static const struct cli_option monitor_options[] = {
    {"http", CLI_OPTION_TEXT, MONITOR_VALUE(http), "ADDR", "127.0.0.1:8088",
     NULL, 0, 0, "where browsers find the page: host:port or [v6]:port"},
    {"http-host", CLI_OPTION_TEXTS, MONITOR_VALUE(names), "NAME", NULL, NULL, 0,
     0, "another name of the page, in addition to localhost; may be repeated"},
    {"collect", CLI_OPTION_TEXT, MONITOR_VALUE(collect), "ENDPOINT",
     "tcp://127.0.0.1:5555", NULL, 0, 0,
     "where brokers and applications that publish connect"},
    {"server", CLI_OPTION_TEXT, MONITOR_VALUE(server), "ADDR",
     SLUICE_DEFAULT_SERVER, "SLUICE_SERVER", 0, 0,
     "without --connect, watch this broker if it is on this machine"},
    {"connect", CLI_OPTION_TEXTS, MONITOR_VALUE(connect), "ENDPOINT", NULL,
     NULL, 0, 0, "watch the broker with this --monitor-bind; may be repeated"},
    KEY_OPTIONS_SERVER(MONITOR_VALUE(keys)),
    KEY_OPTIONS_OWN(MONITOR_VALUE(keys)),
    {"pull", CLI_OPTION_TEXT, MONITOR_VALUE(pull), "ENDPOINT", NULL, NULL, 0, 0,
     "where applications that push connect"},
    {"pull-from", CLI_OPTION_TEXTS, MONITOR_VALUE(pull_from), "ENDPOINT", NULL,
     NULL, 0, 0, "where an application that pushes listens; may be repeated"},
    {.name = NULL},
};

static void monitor_add(struct collector_setup *s, enum receiver_kind kind,
                        bool is_bound, const char *endpoint,
                        const struct keys *keys)
{
    if (endpoint)
        s->receiver[s->receiver_count++] = (struct receiver_setup){
            kind, is_bound, endpoint, MONITOR_REPORT_MAX, keys};
}

static int monitor_command_run(int argc, char **argv)
{
    struct monitor_options o = {.http = NULL};
    int status;
    if (!command_parse(&command_monitor, &o, &argc, argv, &status))
        return status;
    if (argc > 1)
        return command_misused(&command_monitor,
                               "monitor takes options only; name a broker's "
                               "feed with --connect");
    const char *wrong = key_options_wrong(&o.keys);
    if (wrong)
        return command_misused(&command_monitor, wrong);
    struct keys keys;
    struct sentence why;
    if (!keys_load(&keys, &o.keys, &why))
        return complain(EXIT_FAILED, "%s", why.text);
    struct collector_setup setup = {
        .http = o.http,
        .names = o.names.text,
        .name_count = o.names.count,
        .server = o.connect.count == 0 ? o.server : NULL,
        .max_bytes = MONITOR_REPORT_MAX,
    };
    monitor_add(&setup, RECEIVER_SUBSCRIBE, true, o.collect, NULL);
    monitor_add(&setup, RECEIVER_PULL, true, o.pull, NULL);
    for (size_t i = 0; i < o.connect.count; i++)
        monitor_add(&setup, RECEIVER_SUBSCRIBE, false, o.connect.text[i],
                    &keys);
    for (size_t i = 0; i < o.pull_from.count; i++)
        monitor_add(&setup, RECEIVER_PULL, false, o.pull_from.text[i], NULL);
    return collector_run(&setup);
}

const struct command command_monitor = {
    .name = "monitor",
    .arguments = "",
    .summary = "Collect what brokers report, and show it to browsers",
    .details =
        "Watches the broker on this machine, now or when it starts. Other\n"
        "brokers report to it with --monitor-connect tcp://localhost:5555, or\n"
        "it watches their --monitor-bind with --connect, and then shows their\n"
        "channels, clients and events as well. Applications can report, too,\n"
        "with one JSON object per message: {\"color\", \"timestamp\", "
        "\"cpu\",\n"
        "\"mem\"}.\n"
        "\n"
        "It keeps the last 30 minutes in memory. There is no authentication:\n"
        "keep the addresses on this machine, or on a network that you trust.\n"
        "\n"
        "  sluiced &\n"
        "  sluice monitor\n",
    .options = monitor_options,
    .run = monitor_command_run,
};
