/* SPDX-License-Identifier: MIT */
#include "client/monitor/reporter_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What is not one of its documents; NULL without memory. */
static char *reporter_json_own(const struct reporter *p)
{
    int64_t from = reporter_json_start(&p->past);
    json_t *own = reporter_json_head(p);
    bool ok =
        json_object_set_new(
            own, "start", json_integer((json_int_t)from * PAST_STEP_MS)) == 0 &&
        json_object_set_new(own, "series",
                            reporter_json_past(&p->past, from)) == 0;
    char *text = ok ? json_dumps(own, REPORT_JSON) : NULL;
    json_decref(own);
    return text;
}

/* The documents are written into the object, before its last brace. */
bool reporter_json_write(const struct reporter *p, FILE *out)
{
    char *own = reporter_json_own(p);
    if (!own)
        return false;
    fwrite(own, 1, strlen(own) - 1, out);
    free(own);
    for (enum report_kind kind = 0; kind < REPORT_KINDS; kind++)
        if (p->latest[kind].text)
            fprintf(out, ",\"%s\":%s", report_kind_name(kind),
                    p->latest[kind].text);
    fputc('}', out);
    return true;
}
