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
#include "client/target.h"
#include "common/key_file.h"
#include "common/loopback.h"
#include "common/sentence.h"

#include <stdlib.h>
#include <string.h>

/* Just above the longest document of a broker. */
enum { MONITOR_REPORT_MAX = 128 << 10 };

struct monitor_options {
    struct target target; /* beside the server, for URLs in `connect` */
    const char *collect, *pull, *http;
    const char *collect_key, *reporters;
    const char *certificate, *key, *users; /* of the page */
    struct cli_option_texts connect, pull_from, names;
    struct key_options keys;
};

#define MONITOR_VALUE(field) offsetof(struct monitor_options, field)

static const struct cli_option monitor_options[] = {
    {"http", CLI_OPTION_TEXT, MONITOR_VALUE(http), "ADDR", "127.0.0.1:8088",
     NULL, 0, 0,
     "where browsers find the page: host:port or [v6]:port, with words\n"
     "      such as 'auth=none tls=none' behind it"},
    {"http-cert", CLI_OPTION_TEXT, MONITOR_VALUE(certificate), "FILE", NULL,
     NULL, 0, 0, "show the page over TLS, with this certificate"},
    {"http-key", CLI_OPTION_TEXT, MONITOR_VALUE(key), "FILE", NULL, NULL, 0, 0,
     "the key of --http-cert"},
    {"http-users", CLI_OPTION_TEXT, MONITOR_VALUE(users), "FILE", NULL, NULL, 0,
     0, "show it to users of this file that have monitor = yes"},
    {"http-host", CLI_OPTION_TEXTS, MONITOR_VALUE(names), "NAME", NULL, NULL, 0,
     0, "another name of the page, in addition to localhost; may be repeated"},
    {"collect", CLI_OPTION_TEXT, MONITOR_VALUE(collect), "ENDPOINT",
     "tcp://127.0.0.1:5555", NULL, 0, 0,
     "where brokers and applications that publish connect"},
    {"collect-key", CLI_OPTION_TEXT, MONITOR_VALUE(collect_key), "FILE", NULL,
     NULL, 0, 0,
     "the secret key of --collect and --pull, made by 'sluice keys'"},
    {"reporters", CLI_OPTION_TEXT, MONITOR_VALUE(reporters), "FILE", NULL, NULL,
     0, 0, "the public keys of those that may report there"},
    {"server", CLI_OPTION_TEXT, MONITOR_VALUE(target.server), "ADDR",
     SLUICE_DEFAULT_SERVER, "SLUICE_SERVER", 0, 0,
     "without --connect, watch this broker if it is on this machine"},
    {"connect", CLI_OPTION_TEXTS, MONITOR_VALUE(connect), "ENDPOINT", NULL,
     NULL, 0, 0,
     "watch the broker with this --monitor-bind, or with this --http:\n"
     "      https://host:25080; may be repeated"},
    KEY_OPTIONS_SERVER(MONITOR_VALUE(keys)),
    KEY_OPTIONS_OWN(MONITOR_VALUE(keys)),
    {"pull", CLI_OPTION_TEXT, MONITOR_VALUE(pull), "ENDPOINT", NULL, NULL, 0, 0,
     "where applications that push connect"},
    {"pull-from", CLI_OPTION_TEXTS, MONITOR_VALUE(pull_from), "ENDPOINT", NULL,
     NULL, 0, 0, "where an application that pushes listens; may be repeated"},
    TARGET_TLS(MONITOR_VALUE(target)),
    TARGET_LOGIN(MONITOR_VALUE(target)),
    {.name = NULL},
};

static void monitor_add(struct collector_setup *s, enum receiver_kind kind,
                        const char *endpoint, const struct keys *keys)
{
    s->receiver[s->receiver_count++] = (struct receiver_setup){
        kind, false, endpoint, MONITOR_REPORT_MAX, keys, NULL};
}

/* An endpoint where others connect, to be freed. Where other machines can, it
 * takes keys, or a word behind it that does without. */
struct monitor_inlet {
    const char *option;
    char *endpoint; /* NULL: none */
};

static bool monitor_read_inlet(struct monitor_inlet *i, const char *text,
                               bool has_key, struct sentence *why)
{
    static const char word[] = "auth=none";
    size_t n = strcspn(text, " ");
    const char *words = text + n + strspn(text + n, " ");
    if (*words && strcmp(words, word) != 0)
        return sentence_fail(why, "--%s: '%.100s' behind an endpoint is not %s",
                             i->option, words, word);
    i->endpoint = strndup(text, n);
    if (!i->endpoint)
        return sentence_fail(why, "out of memory");
    /* What is not an endpoint is refused where it comes into use. */
    bool is_endpoint = strstr(i->endpoint, "://") != NULL;
    return has_key || *words || !is_endpoint ||
           loopback_is_endpoint(i->endpoint) ||
           sentence_fail(why,
                         "--%s: other machines could report to %.200s. Give "
                         "--collect-key and --reporters, with keys that "
                         "'sluice keys' makes; or write '%.200s %s' if "
                         "every program that can connect may report",
                         i->option, i->endpoint, i->endpoint, word);
}

static bool monitor_add_inlet(struct collector_setup *s,
                              enum receiver_kind kind, struct monitor_inlet *i,
                              const char *text, const char *secret,
                              struct sentence *why)
{
    if (!text)
        return true;
    if (!monitor_read_inlet(i, text, secret != NULL, why))
        return false;
    s->receiver[s->receiver_count++] = (struct receiver_setup){
        kind, true, i->endpoint, MONITOR_REPORT_MAX, NULL, secret};
    return true;
}

/* A URL is of documents, anything else of a feed. */
static bool monitor_is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 ||
           strncmp(text, "https://", 8) == 0;
}

static void monitor_connect(struct collector_setup *s, const char *to,
                            const struct keys *keys)
{
    if (monitor_is_url(to))
        s->documents[s->document_count++] = to;
    else
        monitor_add(s, RECEIVER_SUBSCRIBE, to, keys);
}

/* A sentence for the user, or NULL. */
static const char *monitor_wrong(const struct monitor_options *o, int argc)
{
    if (argc > 1)
        return "monitor takes options only; name a broker's feed with "
               "--connect";
    if (!o->certificate != !o->key)
        return "a certificate needs its key: --http-cert and --http-key";
    if (!o->collect_key != !o->reporters)
        return "to demand keys takes both --collect-key and --reporters";
    return key_options_wrong(&o->keys);
}

static void monitor_connect_all(struct collector_setup *s,
                                const struct monitor_options *o,
                                const struct keys *keys)
{
    for (size_t i = 0; i < o->connect.count; i++)
        monitor_connect(s, o->connect.text[i], keys);
    for (size_t i = 0; i < o->pull_from.count; i++)
        monitor_add(s, RECEIVER_PULL, o->pull_from.text[i], NULL);
}

static int monitor_collect(const struct monitor_options *o,
                           struct monitor_inlet inlets[2])
{
    struct keys keys;
    struct sentence why;
    char secret[KEY_FILE_TEXT_BYTES];
    if (!keys_load(&keys, &o->keys, &why) ||
        (o->collect_key && !key_file_read(o->collect_key, true, secret, &why)))
        return complain(EXIT_FAILED, "%s", why.text);
    const char *own = o->collect_key ? secret : NULL;
    struct collector_setup setup = {
        .http = o->http,
        .certificate = o->certificate,
        .key = o->key,
        .users = o->users,
        .names = o->names.text,
        .name_count = o->names.count,
        .server = o->connect.count == 0 ? o->target.server : NULL,
        .reporters = o->reporters,
        .max_bytes = MONITOR_REPORT_MAX,
        .target = &o->target,
    };
    if (!monitor_add_inlet(&setup, RECEIVER_SUBSCRIBE, &inlets[0], o->collect,
                           own, &why) ||
        !monitor_add_inlet(&setup, RECEIVER_PULL, &inlets[1], o->pull, own,
                           &why))
        return complain(EXIT_USAGE, "%s", why.text);
    monitor_connect_all(&setup, o, &keys);
    return collector_run(&setup);
}

static int monitor_command_run(int argc, char **argv)
{
    struct monitor_options o = {.http = NULL};
    struct monitor_inlet inlets[2] = {{.option = "collect"},
                                      {.option = "pull"}};
    int status;
    if (!command_parse(&command_monitor, &o, &argc, argv, &status))
        return status;
    const char *wrong = monitor_wrong(&o, argc);
    status = wrong ? command_misused(&command_monitor, wrong)
                   : monitor_collect(&o, inlets);
    for (size_t i = 0; i < 2; i++)
        free(inlets[i].endpoint);
    return status;
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
        "It keeps the last 30 minutes in memory. Where other machines can\n"
        "connect, the page needs --http-cert, --http-key and --http-users, or\n"
        "the words that do without: --http '0.0.0.0:8088 auth=none tls=none'.\n"
        "So does --collect: --collect-key and --reporters, or auth=none.\n"
        "\n"
        "  sluiced &\n"
        "  sluice monitor\n",
    .options = monitor_options,
    .run = monitor_command_run,
};
