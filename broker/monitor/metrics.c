/* SPDX-License-Identifier: MIT */
#include "broker/monitor/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "broker/base/counters.h"
#include "broker/core/survey.h"
#include "broker/monitor/column.h"
#include "broker/monitor/league.h"
#include "broker/monitor/name.h"
#include "broker/monitor/subject.h"
#include "broker/net/reactor.h"

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

/* Prometheus has one unit of time, and tells it in the name. */
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

static void write_reasons(const struct subject *s, FILE *out)
{
    static const char name[] = "sluice_closed_by_reason_total";
    struct subject_reason reason;
    write_head(out, name, COUNTER_KIND_COUNTER,
               "connections ended, by the reason in the log");
    for (size_t i = 0; s->reason(s->arg, i, &reason); i++)
        fprintf(out, "%s{reason=\"%s\"} %" PRIu64 "\n", name, reason.name,
                reason.closed);
}

static void write_sample(FILE *out, size_t column, const struct view *v)
{
    char name[NAME_BYTES] = METRICS_REST;
    if (v->name)
        name_encode(v->name, v->name_length, name, sizeof name);
    fprintf(out, "sluice_channel_%s{channel=\"", columns[column].metric);
    write_escaped(out, name);
    fprintf(out, "\",kind=\"%s\"} ", v->kind);
    if (column == VIEW_AGE_MS)
        fprintf(out, "%.3f\n", (double)v->number[column] / 1e3);
    else
        fprintf(out, "%" PRIu64 "\n", v->number[column]);
}

/* Which channels are listed should not change from one look to the next, so
 * they are those with the most messages ever. */
static void write_channels(const struct subject *s, FILE *out)
{
    struct league l;
    struct view rows[LEAGUE_ROWS + 1];
    league_init(&l, VIEW_IN);
    survey_channels(s->core, reactor_now_ms(s->reactor), league_add, &l);
    size_t n = league_finish(&l, rows, &rows[LEAGUE_ROWS]);
    if (n < l.total) {
        rows[n] = rows[LEAGUE_ROWS];
        rows[n++].kind = "rest";
    }
    for (size_t i = 0; i < VIEW_NUMBERS; i++) {
        char name[128];
        if (!columns[i].metric)
            continue;
        snprintf(name, sizeof name, "sluice_channel_%s", columns[i].metric);
        write_head(out, name, columns[i].kind, columns[i].sentence);
        for (size_t k = 0; k < n; k++)
            write_sample(out, i, &rows[k]);
    }
}

void metrics_write(const struct subject *s, FILE *out)
{
    write_head(out, "sluice_info", COUNTER_KIND_GAUGE,
               "the broker that reports; always 1");
    fputs("sluice_info{broker=\"", out);
    write_escaped(out, s->name);
    fputs("\",version=\"" SLUICE_VERSION "\"} 1\n", out);
    for (size_t i = 0; i < COUNTER_TOTAL; i++)
        write_counter(out, &counter_rows[i], s->counters->value[i]);
    write_reasons(s, out);
    write_channels(s, out);
}
