/* SPDX-License-Identifier: MIT */
#include "broker/tls_setup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/net/reactor.h"
#include "broker/net/tls.h"
#include "broker/net/tls_tickets.h"
#include "broker/options/options.h"

enum {
    LOOK_MS = 5000,
    SETTLE_MS = 2000, /* between the looks that must see the same change */
    DAY_S = 86400,
    HOUR_S = 3600,
    FINGERPRINT_TEXT = 8 + 2 * TLS_FINGERPRINT, /* with its NUL */
};

static struct tls_files files_of(const struct options *o)
{
    return (struct tls_files){
        .certificates = (const char *const *)o->tls_cert.texts,
        .keys = (const char *const *)o->tls_key.texts,
        .count = o->tls_cert.count,
        .ca = o->tls_ca.text,
        .crl = o->tls_crl.text,
        .is_client_optional = o->tls_clients.number == TLS_CLIENTS_OPTIONAL,
        .is_13_only = o->tls_min.number == TLS_MIN_13,
    };
}

/* Changes of the files. */

static tls_stamp stamp_add(tls_stamp stamp, const char *file)
{
    struct stat st;
    if (!file || stat(file, &st) != 0)
        memset(&st, 0, sizeof st);
    const uint64_t parts[] = {(uint64_t)st.st_mtim.tv_sec,
                              (uint64_t)st.st_mtim.tv_nsec, st.st_ino,
                              (uint64_t)st.st_size};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        stamp = (stamp ^ parts[i]) * 0x100000001b3u; /* as FNV does */
    return stamp;
}

static tls_stamp stamp_of(const struct options *o)
{
    tls_stamp stamp = 0xcbf29ce484222325u;
    for (size_t i = 0; i < o->tls_cert.count; i++)
        stamp = stamp_add(stamp_add(stamp, o->tls_cert.texts[i]),
                          o->tls_key.texts[i]);
    return stamp_add(stamp_add(stamp, o->tls_ca.text), o->tls_crl.text);
}

/* The log. */

static void fingerprint_write(const uint8_t *bytes, char out[FINGERPRINT_TEXT])
{
    char *at = out + snprintf(out, FINGERPRINT_TEXT, "sha256:");
    for (size_t i = 0; i < TLS_FINGERPRINT; i++)
        at += snprintf(at, 3, "%02x", bytes[i]);
}

static void setup_log_loaded(const struct tls_setup *s)
{
    const struct tls_context *c = tls_current(s->tls);
    char fingerprint[FINGERPRINT_TEXT], end[32];
    time_t not_after = (time_t)c->not_after;
    struct tm tm;
    fingerprint_write(c->fingerprint, fingerprint);
    strftime(end, sizeof end, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&not_after, &tm));
    log_always(s->log, LOG_INFO, "tls_loaded",
               LOG_LIST(LOG_U64("certificates", c->count),
                        LOG_TEXT("names", c->names), LOG_TEXT("not_after", end),
                        LOG_TEXT("fingerprint", fingerprint),
                        LOG_TEXT("clients", !c->asks_client ? "any"
                                            : s->options->tls_clients.number
                                                ? "optional"
                                                : "required")));
}

static void setup_log_kept(const struct tls_setup *s,
                           const struct sentence *why)
{
    log_always(s->log, LOG_ERROR, "tls_kept",
               LOG_LIST(LOG_TEXT("why", why->text)));
}

/* How long before the end of a certificate the log says so, and how often. */
static const struct tls_warning {
    int64_t left_s, every_s;
    enum log_level level;
} warnings[] = {
    {0, HOUR_S, LOG_ERROR},
    {1 * DAY_S, INT64_MAX, LOG_WARNING},
    {7 * DAY_S, INT64_MAX, LOG_WARNING},
    {30 * DAY_S, INT64_MAX, LOG_WARNING},
};

/* NULL: it lasts long enough. */
static const struct tls_warning *warning_for(int64_t left_s)
{
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++)
        if (left_s <= warnings[i].left_s)
            return &warnings[i];
    return NULL;
}

static void setup_warn(const struct tls_setup *s, int64_t left_s)
{
    size_t which = tls_current(s->tls)->ends_first;
    const char *file = which < s->options->tls_cert.count
                           ? s->options->tls_cert.texts[which]
                           : "";
    if (left_s > 0)
        log_event(s->log, s->warned->level, "tls_ends_soon",
                  LOG_TEXT("file", file),
                  LOG_U64("days_left", (uint64_t)(left_s / DAY_S)));
    else
        log_event(s->log, s->warned->level, "tls_expired",
                  LOG_TEXT("file", file));
}

/* Until there is a new list, all clients that need it are refused. */
static void setup_review_lists(struct tls_setup *s, const struct tls_context *c,
                               int64_t now)
{
    bool has_lists = c && c->crls > 0;
    int64_t left_s = has_lists ? c->crls_not_after - now : 0;
    counter_set(s->counters, COUNT_tls_crls, has_lists ? c->crls : 0);
    counter_set(s->counters, COUNT_tls_crl_expires_seconds,
                left_s > 0 ? (uint64_t)left_s : 0);
    if (!has_lists || left_s > 0) {
        s->warned_crls_s = 0;
    } else if (now - s->warned_crls_s >= HOUR_S) {
        s->warned_crls_s = now;
        log_event(s->log, LOG_ERROR, "tls_crl_expired",
                  LOG_TEXT("file", s->options->tls_crl.text));
    }
}

/* Or the clock is wrong, as it is on machines that have just been switched on:
 * so it is no reason not to start. */
static void setup_warn_of_begin(const struct tls_setup *s)
{
    const struct tls_context *c = tls_current(s->tls);
    int64_t left_s = c->not_before - (int64_t)time(NULL);
    if (left_s > 0)
        log_always(s->log, LOG_WARNING, "tls_not_begun",
                   LOG_LIST(LOG_U64("begins_in_s", (uint64_t)left_s)));
}

static void setup_review_end(struct tls_setup *s)
{
    const struct tls_context *c = tls_current(s->tls);
    int64_t now = (int64_t)time(NULL);
    setup_review_lists(s, c, now);
    int64_t left_s = c ? c->not_after - now : 0;
    const struct tls_warning *due = c ? warning_for(left_s) : NULL;
    counter_set(s->counters, COUNT_tls_certificates, c ? c->count : 0);
    counter_set(s->counters, COUNT_tls_certificate_expires_seconds,
                left_s > 0 ? (uint64_t)left_s : 0);
    bool is_new = due != s->warned;
    s->warned = due;
    if (!due || (!is_new && now - s->warned_s < due->every_s))
        return;
    s->warned_s = now;
    setup_warn(s, left_s);
}

/* Loading. */

static bool setup_load(struct tls_setup *s, const struct options *o,
                       struct sentence *why)
{
    struct tls_files files = files_of(o);
    s->loaded = s->seen = stamp_of(o);
    if (!tls_load(s->tls, &files, why))
        return false;
    s->warned = NULL;
    s->warned_crls_s = 0;
    return true;
}

static void setup_say(struct tls_setup *s)
{
    setup_log_loaded(s);
    setup_warn_of_begin(s);
    setup_review_end(s);
}

/* Whoever renews a certificate writes several files: a change counts when it is
 * seen twice. */
static void setup_look(void *arg)
{
    struct tls_setup *s = arg;
    struct sentence why;
    tls_stamp now = stamp_of(s->options);
    bool is_settled = now == s->seen;
    s->seen = now;
    if (is_settled && now != s->loaded) {
        if (setup_load(s, s->options, &why))
            setup_say(s);
        else
            setup_log_kept(s, &why);
    }
    setup_review_end(s);
    (void)reactor_timer_start(s->timer, is_settled ? LOOK_MS : SETTLE_MS);
}

bool tls_setup_open(struct tls_setup *s, const struct options *o,
                    struct reactor *reactor, struct budget *budget,
                    struct counters *counters, struct log *log,
                    struct sentence *why)
{
    *s = (struct tls_setup){.options = o, .counters = counters, .log = log};
    s->tls =
        tls_new(reactor, budget, counters, (uint32_t)o->tls_threads.number);
    s->timer = reactor_timer_new(reactor, setup_look, s);
    if (!s->tls || !s->timer)
        return sentence_fail(why, "cannot start: no memory for TLS");
    if (o->tls_cert.count == 0)
        return true;
    if (!setup_load(s, o, why))
        return false;
    setup_say(s);
    (void)reactor_timer_start(s->timer, LOOK_MS);
    return true;
}

bool tls_setup_reload(struct tls_setup *s, const struct options *fresh,
                      struct sentence *why)
{
    if (fresh->tls_cert.count == 0)
        return true;
    tls_stamp loaded = s->loaded, seen = s->seen;
    if (setup_load(s, fresh, why))
        return true;
    s->loaded = loaded;
    s->seen = seen;
    if (tls_current(s->tls))
        setup_log_kept(s, why);
    return false;
}

void tls_setup_use(struct tls_setup *s, const struct options *o)
{
    s->options = o;
    if (o->tls_cert.count == 0) {
        tls_unload(s->tls);
        setup_review_end(s);
        return;
    }
    setup_say(s);
    (void)reactor_timer_start(s->timer, LOOK_MS);
}

void tls_setup_measure(const struct tls_setup *s)
{
    if (s->tls)
        tls_measure(s->tls);
}

void tls_setup_close(struct tls_setup *s)
{
    reactor_timer_free(s->timer);
    tls_free(s->tls);
    *s = (struct tls_setup){.tls = NULL};
}

bool tls_setup_check(const struct options *o, struct sentence *why)
{
    struct tls_files files = files_of(o);
    struct tls_tickets tickets;
    if (files.count == 0)
        return true;
    tls_tickets_init(&tickets);
    struct tls_context *c = tls_context_load(&files, &tickets, why);
    tls_context_unref(c);
    tls_tickets_fini(&tickets);
    return c != NULL;
}
