/* SPDX-License-Identifier: MIT */
#include "client/top/diagnosis.h"

#include <string.h>

/* What waits less than this is on its way, and not backed up unless a
 * publisher waits. */
enum { DIAGNOSIS_FRESH_MS = 1000 };

static struct diagnosis diagnosis_of_queue(const struct sheet *s,
                                           const struct sheet_row *row,
                                           bool is_old)
{
    double in = sheet_figure(s, row, "in"), out = sheet_figure(s, row, "out");
    if (sheet_figure(s, row, "subscribers") <= 0)
        return (struct diagnosis){"no consumers", DIAGNOSIS_FULL};
    if (out <= 0 && s->documents > 1) /* one document tells no rate */
        return (struct diagnosis){"consumers stuck", DIAGNOSIS_FULL};
    if (out > in && sheet_figure(s, row, "paused") <= 0)
        return (struct diagnosis){"draining", DIAGNOSIS_SLOW};
    return (struct diagnosis){"consumers too slow",
                              is_old ? DIAGNOSIS_FULL : DIAGNOSIS_SLOW};
}

struct diagnosis diagnosis_of(const struct sheet *channels,
                              const struct sheet_row *row)
{
    bool is_old = sheet_figure(channels, row, "age_ms") >= DIAGNOSIS_FRESH_MS;
    bool has_waiters = sheet_figure(channels, row, "paused") > 0;
    const char *kind = json_string_value(json_object_get(row->entry, "kind"));
    bool is_queue = kind && strcmp(kind, "queue") == 0;
    if (sheet_figure(channels, row, "dropped") > 0)
        return (struct diagnosis){is_queue ? "memory is exhausted"
                                           : "slow subscriber",
                                  DIAGNOSIS_LOSS};
    if (sheet_figure(channels, row, "depth") <= 0 || !(is_old || has_waiters))
        return (struct diagnosis){NULL, DIAGNOSIS_FINE};
    if (is_queue)
        return diagnosis_of_queue(channels, row, is_old);
    return (struct diagnosis){"slow subscriber", is_old && has_waiters
                                                     ? DIAGNOSIS_FULL
                                                     : DIAGNOSIS_SLOW};
}
