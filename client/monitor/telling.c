/* SPDX-License-Identifier: MIT */
#include "client/monitor/telling.h"

#include <inttypes.h>
#include <math.h>

/* JSON of jansson has no newline, which would end an event. */
static const size_t telling_flags =
    JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12);

static void telling_write_text(FILE *out, const char *text)
{
    json_t *value = json_string(text);
    json_dumpf(value, out, telling_flags);
    json_decref(value);
}

static void telling_write_value(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, "%.6g", value);
    else
        fputs("null", out);
}

static void telling_write_sample(FILE *out, const struct series_sample *sample)
{
    for (enum series s = 0; s < SERIES; s++) {
        fprintf(out, "%s\"%s\":", s ? "," : "{", series_name(s));
        telling_write_value(out, sample->value[s]);
    }
    fputc('}', out);
}

static void telling_write_who(FILE *out, const struct reporter *p)
{
    fputs("\"name\":", out);
    telling_write_text(out, p->name);
    fprintf(out, ",\"broker\":%s,\"silent\":%s,\"heard\":%" PRId64,
            p->is_broker ? "true" : "false", p->is_silent ? "true" : "false",
            p->heard_ms);
}

void telling_write_report(FILE *out, const struct reporter *p,
                          const struct report *r)
{
    fputs("event: report\ndata: {", out);
    telling_write_who(out, p);
    fprintf(out, ",\"kind\":\"%s\"", report_kind_name(r->kind));
    if (r->kind == REPORT_STATS) {
        fputs(",\"sample\":", out);
        telling_write_sample(out, &p->sample);
    }
    fputs(",\"document\":", out);
    json_dumpf(r->document, out, telling_flags);
    fputs("}\n\n", out);
}

void telling_write_silent(FILE *out, const struct reporter *p)
{
    fputs("event: silent\ndata: {", out);
    telling_write_who(out, p);
    fputs("}\n\n", out);
}

/* --- everything ---------------------------------------------------------- */

static void telling_write_series(FILE *out, const struct past *h,
                                 enum series series, int64_t from)
{
    fprintf(out, "%s\"%s\":[", series ? "," : "", series_name(series));
    for (int64_t s = from; s <= h->newest; s++) {
        if (s > from)
            fputc(',', out);
        telling_write_value(out, past_get(h, series, s));
    }
    fputc(']', out);
}

/* The beginning, of which nothing is known, is left out. */
static int64_t telling_find_start(const struct past *h)
{
    int64_t from = h->newest > 0 ? past_oldest(h) : 0;
    for (; from < h->newest; from++)
        for (enum series s = 0; s < SERIES; s++)
            if (!isnan(past_get(h, s, from)))
                return from;
    return from;
}

static void telling_write_reporter(FILE *out, const struct reporter *p)
{
    fputc('{', out);
    telling_write_who(out, p);
    for (enum report_kind kind = 0; kind < REPORT_KINDS; kind++) {
        if (!p->latest[kind])
            continue;
        fprintf(out, ",\"%s\":", report_kind_name(kind));
        json_dumpf(p->latest[kind], out, telling_flags);
    }
    int64_t from = telling_find_start(&p->past);
    fprintf(out, ",\"start\":%" PRId64 ",\"series\":{", from * PAST_STEP_MS);
    for (enum series s = 0; s < SERIES; s++)
        telling_write_series(out, &p->past, s, from);
    fputs("}}", out);
}

void telling_write_history(FILE *out, const struct gallery *g, int64_t now_ms)
{
    fprintf(out,
            "{\"now\":%" PRId64 ",\"step\":%d,\"slots\":%d,\"reporters\":[",
            now_ms, PAST_STEP_MS, PAST_SLOTS);
    for (size_t i = 0; i < g->count; i++) {
        if (i > 0)
            fputc(',', out);
        telling_write_reporter(out, g->reporter[i]);
    }
    fputs("],\"events\":", out);
    json_dumpf(g->events, out, telling_flags);
    fputs("}\n", out);
}
