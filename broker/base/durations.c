/* SPDX-License-Identifier: MIT */
#include "broker/base/durations.h"

const uint32_t durations_bounds_us[DURATIONS_BOUNDS] = {
    1000,   2500,   5000,   10000,   25000,   50000,
    100000, 250000, 500000, 1000000, 2500000, 5000000,
};

void durations_add(struct durations *d, uint64_t us)
{
    unsigned i = 0;
    while (i < DURATIONS_BOUNDS && us > durations_bounds_us[i])
        i++;
    d->within[i]++;
    d->sum_us += us;
}
