/* SPDX-License-Identifier: MIT */
#include "broker/monitor/lag.h"

#include <stdlib.h>
#include <string.h>

#include "broker/base/clock.h"
#include "broker/base/counters.h"
#include "broker/net/reactor.h"

struct lag {
    struct reactor_timer *timer;
    uint64_t due_us;
    uint32_t sample_us[LAG_SAMPLES]; /* a ring */
    size_t next, count;
};

static void lag_start(struct lag *l)
{
    l->due_us = clock_now_us() + LAG_PERIOD_MS * 1000u;
    (void)reactor_timer_start(l->timer, LAG_PERIOD_MS);
}

static void lag_on_timer(void *arg)
{
    struct lag *l = arg;
    uint64_t now = clock_now_us(), late = now > l->due_us ? now - l->due_us : 0;
    l->sample_us[l->next] = late < UINT32_MAX ? (uint32_t)late : UINT32_MAX;
    l->next = (l->next + 1) % LAG_SAMPLES;
    if (l->count < LAG_SAMPLES)
        l->count++;
    lag_start(l);
}

struct lag *lag_new(struct reactor *r)
{
    struct lag *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->timer = reactor_timer_new(r, lag_on_timer, l);
    if (!l->timer) {
        free(l);
        return NULL;
    }
    lag_start(l);
    return l;
}

void lag_free(struct lag *l)
{
    if (!l)
        return;
    reactor_timer_free(l->timer);
    free(l);
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

void lag_update(const struct lag *l, struct counters *counters)
{
    uint32_t sorted[LAG_SAMPLES];
    if (l->count == 0)
        return;
    memcpy(sorted, l->sample_us, l->count * sizeof *sorted);
    qsort(sorted, l->count, sizeof *sorted, compare);
    size_t last = l->count - 1;
    counter_set(counters, COUNT_loop_lag_p50_us, sorted[last / 2]);
    counter_set(counters, COUNT_loop_lag_p99_us, sorted[last * 99 / 100]);
    counter_set(counters, COUNT_loop_lag_max_us, sorted[last]);
}
