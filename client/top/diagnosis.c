/* SPDX-License-Identifier: MIT */
#include "client/top/diagnosis.h"

#include <string.h>

/* A message that waits less than this is on its way: the channel is not backed
 * up unless a publisher waits. */
enum { DIAGNOSIS_FRESH_MS = 1000 };

/* All consumers acknowledge, and hold as many messages as they may. */
static bool is_busy(const struct table *t, const struct table_row *row,
                    double consumers)
{
    return table_figure(t, row, "workers") >= consumers &&
           table_figure(t, row, "ready") <= 0 &&
           table_figure(t, row, "held") > 0;
}

static struct diagnosis diagnosis_of_queue(const struct table *t,
                                           const struct table_row *row,
                                           bool is_old)
{
    double in = table_figure(t, row, "in"), out = table_figure(t, row, "out");
    double consumers = table_figure(t, row, "subscribers");
    if (consumers <= 0)
        return (struct diagnosis){"no consumers", DIAGNOSIS_FULL};
    /* A job may take long: that its worker takes no other is no fault. */
    if (out <= 0 && t->documents > 1 && is_busy(t, row, consumers))
        return (struct diagnosis){"workers busy",
                                  is_old ? DIAGNOSIS_FULL : DIAGNOSIS_SLOW};
    if (out <= 0 && t->documents > 1) /* one document has no rate */
        return (struct diagnosis){"consumers stuck", DIAGNOSIS_FULL};
    if (out > in && table_figure(t, row, "paused") <= 0)
        return (struct diagnosis){"draining", DIAGNOSIS_SLOW};
    return (struct diagnosis){"consumers too slow",
                              is_old ? DIAGNOSIS_FULL : DIAGNOSIS_SLOW};
}

struct diagnosis diagnosis_of(const struct table *channels,
                              const struct table_row *row)
{
    bool is_old = table_figure(channels, row, "age_ms") >= DIAGNOSIS_FRESH_MS;
    bool has_waiters = table_figure(channels, row, "paused") > 0;
    const char *kind = json_string_value(json_object_get(row->entry, "kind"));
    bool is_queue = kind && strcmp(kind, "queue") == 0;
    if (table_figure(channels, row, "dropped") > 0)
        return (struct diagnosis){is_queue ? "memory is exhausted"
                                           : "slow subscriber",
                                  DIAGNOSIS_LOSS};
    if (table_figure(channels, row, "depth") <= 0 || !(is_old || has_waiters))
        return (struct diagnosis){NULL, DIAGNOSIS_FINE};
    if (is_queue)
        return diagnosis_of_queue(channels, row, is_old);
    return (struct diagnosis){"slow subscriber", is_old && has_waiters
                                                     ? DIAGNOSIS_FULL
                                                     : DIAGNOSIS_SLOW};
}
