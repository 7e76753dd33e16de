/* SPDX-License-Identifier: MIT
 *
 * past - the last half hour of one reporter: a value per series and second,
 * in memory that never grows. (history_... are names of libedit, which would
 * call ours.)
 */
#ifndef SLUICE_CLIENT_MONITOR_PAST_H
#define SLUICE_CLIENT_MONITOR_PAST_H

#include "client/monitor/series.h"

#include <stdint.h>

enum { PAST_STEP_MS = 1000, PAST_SLOTS = 30 * 60 };

/* A ring: second `s` of the epoch is in slot s % PAST_SLOTS, and is NAN where
 * nothing was reported. */
struct past {
    int64_t newest; /* second of the epoch; 0: empty */
    float value[SERIES][PAST_SLOTS];
};

/* No samples. */
void past_init(struct past *h);

/* Of two samples in one second the later is kept. Clocks may be set back: a
 * sample from before the newest second counts as of that second. */
void past_put(struct past *h, int64_t now_ms,
              const struct series_sample *sample);

/* The oldest second that may have a value. */
int64_t past_oldest(const struct past *h);

/* NAN when there is none. `second` is from oldest to newest. */
float past_get(const struct past *h, enum series series, int64_t second);

#endif
