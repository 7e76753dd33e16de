/* SPDX-License-Identifier: MIT */
#include "client/monitor/past.h"

#include <math.h>

void past_init(struct past *h)
{
    h->newest = 0;
    for (enum series s = 0; s < SERIES; s++)
        for (int i = 0; i < PAST_SLOTS; i++)
            h->value[s][i] = NAN;
}

static void past_clear(struct past *h, int64_t second)
{
    for (enum series s = 0; s < SERIES; s++)
        h->value[s][second % PAST_SLOTS] = NAN;
}

/* Makes `second` the newest; those in between are unknown. */
static void past_advance(struct past *h, int64_t second)
{
    int64_t from = h->newest + 1;
    if (second - from >= PAST_SLOTS)
        from = second - PAST_SLOTS + 1;
    for (int64_t s = from; s <= second; s++)
        past_clear(h, s);
    h->newest = second;
}

void past_put(struct past *h, int64_t now_ms,
              const struct series_sample *sample)
{
    int64_t second = now_ms / PAST_STEP_MS;
    if (second > h->newest)
        past_advance(h, second);
    for (enum series s = 0; s < SERIES; s++)
        h->value[s][h->newest % PAST_SLOTS] = (float)sample->value[s];
}

int64_t past_oldest(const struct past *h)
{
    return h->newest - PAST_SLOTS + 1;
}

float past_get(const struct past *h, enum series series, int64_t second)
{
    return h->value[series][second % PAST_SLOTS];
}
