/* SPDX-License-Identifier: MIT */
#include "client/monitor/series.h"

#include <math.h>

enum series_kind {
    SERIES_KIND_GAUGE, /* a counter as it is */
    SERIES_KIND_RATE,  /* the growth of a total per second */
    SERIES_KIND_KEY,   /* a key that reports of applications have, too */
};

static double series_in(const json_t *stats)
{
    return report_counter(stats, "messages_in");
}

static double series_out(const json_t *stats)
{
    return report_counter(stats, "messages_out");
}

static const struct series_row {
    const char *name;
    enum series_kind kind;
    const char *counter;                  /* of a gauge */
    double (*total)(const json_t *stats); /* of a rate */
    double scale;
} series_rows[SERIES] = {
    [SERIES_IN] = {"in", SERIES_KIND_RATE, NULL, series_in, 1},
    [SERIES_OUT] = {"out", SERIES_KIND_RATE, NULL, series_out, 1},
    [SERIES_DROPPED] = {"dropped", SERIES_KIND_RATE, NULL, report_dropped, 1},
    [SERIES_QUEUED] = {"queued", SERIES_KIND_GAUGE, "queued_messages", NULL, 1},
    [SERIES_MEMORY] = {"memory", SERIES_KIND_GAUGE, "memory_bytes", NULL, 1},
    [SERIES_MEMORY_LIMIT] = {"memory_limit", SERIES_KIND_GAUGE,
                             "memory_limit_bytes", NULL, 1},
    [SERIES_LAG] = {"lag_ms", SERIES_KIND_GAUGE, "loop_lag_p99_us", NULL, 1e-3},
    [SERIES_CONNECTIONS] = {"connections", SERIES_KIND_GAUGE, "connections",
                            NULL, 1},
    [SERIES_PAUSED] = {"paused", SERIES_KIND_GAUGE, "paused_publishers", NULL,
                       1},
    [SERIES_CPU] = {"cpu", SERIES_KIND_KEY, NULL, NULL, 1},
    [SERIES_MEM] = {"mem", SERIES_KIND_KEY, NULL, NULL, 1},
};

const char *series_name(enum series series)
{
    return series_rows[series].name;
}

/* By the broker's own clock. A total that fell is that of a broker that was
 * restarted. */
static double series_rate(const struct series_row *row, const json_t *now,
                          const json_t *before)
{
    double seconds =
        report_number(now, "uptime") - report_number(before, "uptime");
    if (!before || seconds <= 0)
        return NAN;
    double grown = row->total(now) - row->total(before);
    return grown > 0 ? grown / seconds : 0;
}

static double series_value(const struct series_row *row,
                           const struct report *now, const json_t *before)
{
    if (row->kind == SERIES_KIND_KEY)
        return json_object_get(now->document, row->name)
                   ? report_number(now->document, row->name)
                   : NAN;
    if (!now->is_of_broker)
        return NAN;
    if (row->kind == SERIES_KIND_RATE)
        return series_rate(row, now->document, before);
    return report_counter(now->document, row->counter) * row->scale;
}

void series_measure(struct series_sample *out, const struct report *now,
                    const json_t *before)
{
    for (enum series s = 0; s < SERIES; s++)
        out->value[s] = series_value(&series_rows[s], now, before);
}
