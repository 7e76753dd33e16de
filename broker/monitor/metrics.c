/* SPDX-License-Identifier: MIT */
#include "broker/monitor/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "broker/base/counters.h"
#include "broker/base/durations.h"
#include "broker/monitor/broker_view.h"
#include "broker/monitor/column.h"
#include "broker/monitor/survey.h"
#include "common/percent.h"
#include "users/users.h"

enum { NAME_BYTES = 1024 };

static const char *const types[] = {
    [COUNTER_KIND_COUNTER] = "counter",
    [COUNTER_KIND_GAUGE] = "gauge",
};

static void write_head(FILE *out, const char *name, enum counter_kind kind,
                       const char *sentence)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, sentence, name,
            types[kind]);
}

static void write_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text == '\n' ? ' ' : *text, out);
    }
}

/* Prometheus' unit of time is the second, and part of the name. */
static void write_counter(FILE *out, const struct counter_row *row,
                          uint64_t value)
{
    char name[128];
    bool is_time = strcmp(row->unit, "microseconds") == 0;
    size_t n = strlen(row->name) - (is_time ? strlen("_us") : 0);
    snprintf(name, sizeof name, "sluice_%.*s%s%s", (int)n, row->name,
             is_time ? "_seconds" : "",
             row->kind == COUNTER_KIND_COUNTER ? "_total" : "");
    write_head(out, name, row->kind, row->sentence);
    if (is_time)
        fprintf(out, "%s %.6f\n", name, (double)value / 1e6);
    else
        fprintf(out, "%s %" PRIu64 "\n", name, value);
}

typedef bool broker_view_reasons(void *arg, size_t i,
                                 struct broker_view_reason *out);

/* One counter with a row for each of the view's reasons. */
static void write_reasons(const struct broker_view *b, FILE *out,
                          broker_view_reasons *get, const char *name,
                          const char *sentence)
{
    struct broker_view_reason reason;
    write_head(out, name, COUNTER_KIND_COUNTER, sentence);
    for (size_t i = 0; get(b->arg, i, &reason); i++)
        fprintf(out, "%s{reason=\"%s\"} %" PRIu64 "\n", name, reason.name,
                reason.count);
}

static void write_durations(const struct durations *d, FILE *out)
{
    static const char name[] = "sluice_tls_handshake_seconds";
    uint64_t count = 0;
    fprintf(out,
            "# HELP %s time of a handshake of TLS, from its first byte on\n"
            "# TYPE %s histogram\n",
            name, name);
    for (size_t i = 0; i < DURATIONS_BOUNDS; i++)
        fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
                durations_bounds_us[i] / 1e6, count += d->within[i]);
    count += d->within[DURATIONS_BOUNDS];
    fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    fprintf(out, "%s_sum %.6f\n", name, (double)d->sum_us / 1e6);
    fprintf(out, "%s_count %" PRIu64 "\n", name, count);
}

/* One metric of all users; its head comes with the first. */
struct user_metric {
    FILE *out;
    const char *name, *sentence;
    enum counter_kind kind;
    uint64_t users;
};

static void write_user(struct user_metric *m, const struct broker_view_user *u,
                       uint64_t value)
{
    if (m->users++ == 0)
        write_head(m->out, m->name, m->kind, m->sentence);
    fprintf(m->out, "%s{user=\"", m->name);
    write_escaped(m->out, u->name ? u->name : METRICS_REST);
    fprintf(m->out, "\"} %" PRIu64 "\n", value);
}

static void write_connections(void *arg, const struct broker_view_user *u)
{
    write_user(arg, u, u->connections);
}

static void write_memory(void *arg, const struct broker_view_user *u)
{
    if (!u->limits || u->limits->memory_bytes > 0)
        write_user(arg, u, u->memory_bytes);
}

static void write_denied(void *arg, const struct broker_view_user *u)
{
    write_user(arg, u, u->denied);
}

static void write_users(const struct broker_view *b, FILE *out)
{
    struct user_metric connections = {.out = out,
                                      .name = "sluice_user_connections",
                                      .sentence = "open connections of a user",
                                      .kind = COUNTER_KIND_GAUGE};
    struct user_metric memory = {
        .out = out,
        .name = "sluice_user_memory_bytes",
        .sentence = "memory held by the connections of a user that has a "
                    "limit of it",
        .kind = COUNTER_KIND_GAUGE};
    struct user_metric denied = {.out = out,
                                 .name = "sluice_user_denied_total",
                                 .sentence =
                                     "times that a user did what it may not",
                                 .kind = COUNTER_KIND_COUNTER};
    b->show_users(b->arg, write_connections, &connections);
    b->show_users(b->arg, write_memory, &memory);
    b->show_users(b->arg, write_denied, &denied);
}

static void write_sample(FILE *out, size_t column, const struct view *v)
{
    char name[NAME_BYTES] = METRICS_REST;
    if (v->name)
        percent_encode(v->name, v->name_length, name, sizeof name);
    fprintf(out, "sluice_channel_%s{channel=\"", columns[column].metric);
    write_escaped(out, name);
    fprintf(out, "\",kind=\"%s\"} ", v->kind);
    if (column == VIEW_AGE_MS)
        fprintf(out, "%.3f\n", (double)v->number[column] / 1e3);
    else
        fprintf(out, "%" PRIu64 "\n", v->number[column]);
}

/* The channels listed should not change from one scrape to the next: the
 * busiest are those with the most messages ever. */
static void write_channels(const struct survey_result *seen, FILE *out)
{
    const struct ranking_list *list = &seen->steady;
    struct view rest = list->rest;
    rest.kind = "rest";
    for (size_t i = 0; i < VIEW_NUMBERS; i++) {
        char name[128];
        if (!columns[i].metric)
            continue;
        snprintf(name, sizeof name, "sluice_channel_%s", columns[i].metric);
        write_head(out, name, columns[i].kind, columns[i].sentence);
        for (size_t k = 0; k < list->count; k++)
            write_sample(out, i, list->rows[k]);
        if (list->count < seen->channel_count)
            write_sample(out, i, &rest);
    }
}

void metrics_write(const struct broker_view *b,
                   const struct survey_result *seen, FILE *out)
{
    write_head(out, "sluice_info", COUNTER_KIND_GAUGE,
               "the broker that reports; always 1");
    fputs("sluice_info{broker=\"", out);
    write_escaped(out, b->name);
    fputs("\",version=\"" SLUICE_VERSION "\"} 1\n", out);
    for (size_t i = 0; i < COUNTER_TOTAL; i++)
        write_counter(out, &counter_rows[i], b->counters->value[i]);
    write_reasons(b, out, b->reason, "sluice_closed_by_reason_total",
                  "connections ended, by the reason in the log");
    write_reasons(b, out, b->tls_fault, "sluice_tls_failed_by_reason_total",
                  "handshakes that failed, by the fault in the log");
    write_durations(b->tls_durations(b->arg), out);
    write_users(b, out);
    write_channels(seen, out);
}
