/* SPDX-License-Identifier: MIT */
#include "client/monitor/reporter_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* To the six digits that a float has: more would only be longer. */
static json_t *reporter_json_value(double value)
{
    char text[32];
    if (!isfinite(value))
        return json_null();
    snprintf(text, sizeof text, "%.6g", value);
    double rounded = strtod(text, NULL);
    return rounded == trunc(rounded) && fabs(rounded) < 1e15
               ? json_integer((json_int_t)rounded)
               : json_real(rounded);
}

json_t *reporter_json_head(const struct reporter *p)
{
    return json_pack("{s:s, s:b, s:b, s:I}", "name", p->name, "broker",
                     p->is_broker, "silent", p->is_silent, "heard",
                     (json_int_t)p->heard_ms);
}

json_t *reporter_json_sample(const struct reporter *p)
{
    json_t *out = json_object();
    for (enum series s = 0; s < SERIES; s++)
        if (json_object_set_new(out, series_name(s),
                                reporter_json_value(p->sample.value[s])) != 0) {
            json_decref(out);
            return NULL;
        }
    return out;
}

static json_t *reporter_json_series(const struct past *h, enum series series,
                                    int64_t from)
{
    json_t *out = json_array();
    for (int64_t s = from; s <= h->newest; s++)
        if (json_array_append_new(
                out, reporter_json_value(past_get(h, series, s))) != 0) {
            json_decref(out);
            return NULL;
        }
    return out;
}

/* The beginning, of which nothing is known, is left out. */
static int64_t reporter_json_start(const struct past *h)
{
    int64_t from = h->newest > 0 ? past_oldest(h) : 0;
    for (; from < h->newest; from++)
        for (enum series s = 0; s < SERIES; s++)
            if (!isnan(past_get(h, s, from)))
                return from;
    return from;
}

static json_t *reporter_json_past(const struct past *h, int64_t from)
{
    json_t *out = json_object();
    for (enum series s = 0; s < SERIES; s++)
        if (json_object_set_new(out, series_name(s),
                                reporter_json_series(h, s, from)) != 0) {
            json_decref(out);
            return NULL;
        }
    return out;
}

static bool reporter_json_set_latest(json_t *out, const struct reporter *p)
{
    for (enum report_kind kind = 0; kind < REPORT_KINDS; kind++)
        if (p->latest[kind] &&
            json_object_set(out, report_kind_name(kind), p->latest[kind]) != 0)
            return false;
    return true;
}

json_t *reporter_json_all(const struct reporter *p)
{
    int64_t from = reporter_json_start(&p->past);
    json_t *out = reporter_json_head(p);
    bool ok =
        reporter_json_set_latest(out, p) &&
        json_object_set_new(
            out, "start", json_integer((json_int_t)from * PAST_STEP_MS)) == 0 &&
        json_object_set_new(out, "series",
                            reporter_json_past(&p->past, from)) == 0;
    if (ok)
        return out;
    json_decref(out);
    return NULL;
}
