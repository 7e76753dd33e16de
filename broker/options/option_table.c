/* SPDX-License-Identifier: MIT */
#include "broker/options/option_table.h"

#include <string.h>

#include "broker/options/options.h"
#include "common/address.h"

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

/* The columns that belong together. */
#define BROKER(n)     .name = (n), .section = "broker"
#define MONITOR(n, k) .name = (n), .section = "monitor", .key = (k)
#define JOURNAL(n, k) .name = (n), .section = "journal", .key = (k)
#define AUTH(n)       .name = (n), .section = "auth"
#define TLS(n, k)     .name = (n), .section = "tls", .key = (k)
#define HTTP(n, k)    .name = (n), .section = "http", .key = (k)
#define FIELD(f)      .offset = offsetof(struct options, f)
#define RANGE(lo, hi) .min = (lo), .max = (hi)

#define SIZE(f)    .kind = &kind_size, FIELD(f)
#define TIME(f)    .kind = &kind_duration, FIELD(f)
#define COUNT(f)   .kind = &kind_count, FIELD(f)
#define WORD(k, f) .kind = &kind_##k, FIELD(f)
#define TEXT(k, f) .kind = &kind_##k, FIELD(f), .most = 1
#define LIST(k, f) .kind = &kind_##k, FIELD(f), .most = OPTION_TEXTS_MAX

const struct option option_table[] = {
    {BROKER("listen"), LIST(door, listen), .initial = SLUICE_DEFAULT_SERVER,
     .sentence = "where to listen; may be repeated",
     .detail = "`host:port`, `[v6]:port` or `unix:PATH`. Without a port it is "
               "25000; port 0 takes a free one, which the log names. Behind "
               "it: `tls=none`, `allowed` or `required`, `auth=none` or "
               "`required`, `v1=yes` or `no`; see "
               "[where clients connect](security.md#where-clients-connect)"},
    {BROKER("socket-mode"), .kind = &kind_mode, FIELD(socket_mode),
     .initial = "0660", RANGE(0, 0777), .sentence = "mode of a unix socket",
     .detail = "set before the socket appears. A new mode is for sockets that "
               "are opened later"},
    {BROKER("control"), TEXT(local, control), .initial = "auto",
     .is_fixed = true, .sentence = "socket for sluice ls, peek, purge; or off",
     .detail = "`unix:PATH`, `auto` or `off`; see "
               "[the control socket](operations.md#the-control-socket)"},
    {BROKER("memory"), SIZE(memory), .initial = "256m",
     RANGE(4 << 20, 1ull << 40),
     .sentence = "memory for everything that clients cause",
     .detail = "see [memory](operations.md#memory)"},
    {BROKER("max-frame"), SIZE(max_frame), .initial = "16m", RANGE(1, 1 << 30),
     .sentence = "longest message", .detail = "at most half of `memory`"},
    {BROKER("client-limit"), SIZE(client_limit), .initial = "8m",
     RANGE(1024, 1ull << 40),
     .sentence = "unsent output of one topic subscriber"},
    {BROKER("patience"), TIME(patience), .initial = "5s", RANGE(0, DAY_MS),
     .sentence = "how long publishers wait for a full subscriber",
     .detail = "for one that has taken nothing yet, a second at most; see "
               "[patience](operations.md#patience)"},
    {BROKER("prefetch"), SIZE(prefetch), .initial = "64k", RANGE(1, 1 << 30),
     .sentence = "what one consumer holds of a queue in advance"},
    {BROKER("queue-limit"), SIZE(queue_limit), .initial = "64m",
     RANGE(1000, 1ull << 40), .sentence = "what one queue holds at most",
     .detail = "at this bound its publishers are paused"},
    {BROKER("max-connections"), COUNT(max_connections), .initial = "0",
     RANGE(0, 1 << 20),
     .sentence = "open connections; 0: as many as files allow",
     .detail =
         "a sixteenth more are accepted for clients that are new. Bounded "
         "by the limit on open files, less a reserve. The soft limit is "
         "raised to the hard one"},
    {BROKER("hello-timeout"), TIME(hello_timeout), .initial = "5s",
     RANGE(1, DAY_MS), .sentence = "longest silence before the first frame"},
    {BROKER("frame-timeout"), TIME(frame_timeout), .initial = "10s",
     RANGE(1, DAY_MS), .sentence = "longest pause within a message"},
    {BROKER("drain-timeout"), TIME(drain_timeout), .initial = "5s",
     RANGE(0, DAY_MS),
     .sentence = "to deliver what was accepted, when stopping"},
    {BROKER("ping"), TIME(ping), .initial = "30s", RANGE(0, HOUR_MS),
     .sentence = "silence after which a client is pinged",
     .detail = "version 2 of the protocol alone. After another one it is "
               "closed. 0: never. A client may ask for a period of its own"},
    {BROKER("hold"), SIZE(hold), .initial = "256k", RANGE(0, 1 << 30),
     .sentence = "publishes to full channels, set aside",
     .detail = "version 2 alone; at this bound the client is not read"},
    {BROKER("max-subscriptions"), COUNT(max_subscriptions), .initial = "1024",
     RANGE(1, 1 << 20), .sentence = "subscriptions of one client"},
    {BROKER("max-requests"), COUNT(max_requests), .initial = "1024",
     RANGE(1, 1 << 20), .sentence = "unanswered requests of one client"},
    {BROKER("log-level"), WORD(level, log_level), .initial = "info",
     .sentence = "error, warning, info or debug"},
    {BROKER("log-format"), WORD(log_format, log_format), .initial = "text",
     .sentence = "text or json",
     .detail = "see [the log](operations.md#the-log)"},
    {BROKER("log-file"), TEXT(file, log_file),
     .sentence = "a file to log to, instead of stderr",
     .detail = "opened again on `SIGHUP`, so that it can be rotated"},
    {TLS("tls-cert", "cert"), LIST(file, tls_cert),
     .sentence = "a certificate chain, in PEM; may be repeated",
     .detail = "clients that begin with TLS are then spoken to in TLS, on the "
               "same port. Chosen by the name that the client asks for, the "
               "first one else. Read again on `SIGHUP`, and when it changes"},
    {TLS("tls-key", "key"), LIST(file, tls_key),
     .sentence = "the key of a certificate, in their order",
     .detail = "only its owner, and one group, may read it; it has no "
               "passphrase"},
    {TLS("tls-ca", "ca"), TEXT(file, tls_ca),
     .sentence = "who signs the certificates of clients",
     .detail = "clients with TLS must then show one"},
    {TLS("tls-clients", "clients"), WORD(tls_clients, tls_clients),
     .initial = "required", .sentence = "required or optional",
     .detail = "with `optional` a client may show no certificate; one that is "
               "shown must be valid"},
    {TLS("tls-crl", "crl"), TEXT(file, tls_crl),
     .sentence = "revoked certificates of clients, in PEM"},
    {TLS("tls-min", "min"), WORD(tls_min, tls_min), .initial = "1.2",
     .sentence = "the oldest version of TLS: 1.2 or 1.3"},
    {TLS("tls-threads", "threads"), COUNT(tls_threads), .initial = "1",
     RANGE(1, 16), .is_fixed = true,
     .sentence = "threads that compute handshakes"},
    {JOURNAL("journal", "directory"), TEXT(folder, journal), .is_fixed = true,
     .sentence = "folder in which durable queues are kept",
     .detail = "must exist, and be empty or hold a journal. Without it nothing "
               "is durable"},
    {JOURNAL("journal-limit", "limit"), SIZE(journal_limit), .initial = "8g",
     RANGE(1 << 20, 1ull << 50),
     .sentence = "what the files there take at most",
     .detail = "four segments at least, and three with two messages of "
               "`max-frame`. At this bound publishers to durable queues wait "
               "or are refused; acknowledgements go on"},
    {JOURNAL("journal-free", "free"), SIZE(journal_free), .initial = "256m",
     RANGE(0, 1ull << 50), .sentence = "what is left free on that file system",
     .detail = "the bound is then the same as with `journal-limit`"},
    {JOURNAL("journal-segment", "segment"), SIZE(journal_segment),
     .initial = "0", RANGE(0, 1 << 30), .is_fixed = true,
     .sentence = "size of one file; 0: a 64th of the limit",
     .detail = "from 1m to 64m then; otherwise 256k at least. For small disks "
               "and tests. Files that exist keep their size"},
    {AUTH("users"), TEXT(file, users), .is_fixed = true,
     .sentence = "file with those who may connect, and what they may",
     .detail = "without it everybody may do everything; see "
               "[security](security.md). Read again on `SIGHUP`"},
    {MONITOR("monitor-connect", "connect"), LIST(endpoint, monitor_connect),
     .is_fixed = true,
     .sentence = "reports to a ZeroMQ collector; may be repeated",
     .detail = "one [document](monitoring.md#the-report) per interval, from a "
               "PUB socket that connects"},
    {MONITOR("monitor-bind", "bind"), LIST(endpoint, monitor_bind),
     .is_fixed = true,
     .sentence = "lets ZeroMQ subscribers watch; may be repeated",
     .detail = "an XPUB socket; see [the feed](monitoring.md#the-feed). "
               "Any client that can connect can watch, unless `monitor-key` "
               "is given, which is necessary for other endpoints than `ipc://` "
               "and this machine's own addresses"},
    {MONITOR("monitor-json", "json"), LIST(endpoint, monitor_json),
     .is_fixed = true,
     .sentence = "the same, as one part of JSON; may be repeated",
     .detail = "for subscribers that call `recv_json`; see "
               "[one part of JSON](monitoring.md#one-part-of-json). Protected "
               "like `monitor-bind`"},
    {MONITOR("monitor-push", "push"), LIST(endpoint, monitor_push),
     .is_fixed = true,
     .sentence = "the same, for ZeroMQ's PULL; may be repeated",
     .detail = "each document goes to one of those that pull. Protected like "
               "`monitor-bind`"},
    {MONITOR("monitor-key", "key"), TEXT(file, monitor_key), .is_fixed = true,
     .sentence = "file with the secret key of the feed",
     .detail = "whoever watches needs a key, too: one of `monitor-clients`, "
               "or of the file of `users`. Made by `sluice keys`; see "
               "[keys](monitoring.md#who-may-watch)"},
    {MONITOR("monitor-clients", "clients"), TEXT(file, monitor_clients),
     .is_fixed = true,
     .sentence = "file with the public keys of those that may watch",
     .detail = "one to a line; read again on `SIGHUP`. Users may have keys, "
               "too"},
    {MONITOR("monitor-collector", "collector"), TEXT(file, monitor_collector),
     .is_fixed = true, .sentence = "file with the public key of the collectors",
     .detail = "those of `monitor-connect`; reports are encrypted then, and "
               "this broker shows its `monitor-key`; see "
               "[reports](monitoring.md#reports-to-other-machines)"},
    {MONITOR("feed", NULL), TEXT(local, feed), .initial = "auto",
     .is_fixed = true,
     .sentence = "socket for sluice top, tap, monitor; or off",
     .detail = "`unix:PATH`, `auto` or `off`; see "
               "[the local feed](monitoring.md#the-local-feed)"},
    {MONITOR("monitor-interval", "interval"), TIME(monitor_interval),
     .initial = "1s", RANGE(100, DAY_MS), .sentence = "time between reports"},
    {MONITOR("tap-rate", NULL), COUNT(tap_rate), .initial = "1000",
     RANGE(1, 1000000), .is_fixed = true,
     .sentence = "messages per second that one tap shows"},
    {MONITOR("name", NULL), TEXT(text, name), .is_fixed = true,
     .sentence = "the name of this broker in reports",
     .detail = "if not given, made of the host's name and the port"},
    {MONITOR("color", NULL), TEXT(text, color), .is_fixed = true,
     .sentence = "the color that it is drawn in, as in CSS",
     .detail = "if not given, derived from the name"},
    {HTTP("http", "listen"), LIST(http_door, http), .is_fixed = true,
     .sentence = "where to serve /metrics, /stats; may be repeated",
     .detail = "see [HTTP](monitoring.md#http). Off unless given; the port "
               "defaults to 25080. Behind it `tls=` and `auth=` as with "
               "`listen`"},
    {HTTP("http-host", "host"), LIST(text, http_host), .is_fixed = true,
     .sentence = "a name that HTTP answers to; may be repeated",
     .detail = "in addition to addresses and localhost"},
    {.name = "channel",
     .section = "channel",
     .kind = &kind_rule,
     .most = RULES_MAX,
     .sentence = "bounds for some channels; may be repeated"},
    {.name = NULL},
};

_Static_assert(sizeof option_table / sizeof *option_table <= OPTION_MAX + 1,
               "OPTION_MAX is too small");

const char *option_key(const struct option *row)
{
    return row->key ? row->key : row->name;
}

bool option_is_rule(const struct option *row)
{
    return row->kind == &kind_rule;
}

bool option_may_be_called(const struct option *row, const char *word)
{
    size_t n = strlen(row->section);
    if (option_is_rule(row))
        return false;
    return strcmp(word, row->name) == 0 || strcmp(word, option_key(row)) == 0 ||
           (strncmp(word, row->section, n) == 0 && word[n] == '-' &&
            strcmp(word + n + 1, option_key(row)) == 0);
}

const struct option *option_find(const char *name, size_t length)
{
    const struct option *row = option_table;
    while (row->name && (strlen(row->name) != length ||
                         memcmp(row->name, name, length) != 0))
        row++;
    return row->name ? row : NULL;
}

const struct option *option_find_key(const char *section, const char *key)
{
    const struct option *row = option_table;
    while (row->name && (strcmp(row->section, section) != 0 ||
                         (key && strcmp(option_key(row), key) != 0)))
        row++;
    return row->name ? row : NULL;
}
