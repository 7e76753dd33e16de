/* SPDX-License-Identifier: MIT */
#include "client/round_trips.h"

#include <math.h>

/* Welford's method: the sum of squares minus the square of the sum would lose
 * all precision when times are long and nearly equal. */
void round_trips_add(struct round_trips *r, double time_ms)
{
    r->received++;
    if (r->received == 1 || time_ms < r->least_ms)
        r->least_ms = time_ms;
    if (time_ms > r->most_ms)
        r->most_ms = time_ms;
    double distance = time_ms - r->mean_ms;
    r->mean_ms += distance / (double)r->received;
    r->squares += distance * (time_ms - r->mean_ms);
}

double round_trips_deviation_ms(const struct round_trips *r)
{
    return r->received > 0 ? sqrt(r->squares / (double)r->received) : 0;
}

double round_trips_lost_percent(const struct round_trips *r)
{
    if (r->sent == 0)
        return 0;
    return 100.0 * (double)(r->sent - r->received) / (double)r->sent;
}
