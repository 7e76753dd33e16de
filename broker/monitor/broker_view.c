/* SPDX-License-Identifier: MIT */
#include "broker/monitor/broker_view.h"

#include "broker/base/clock.h"
#include "broker/base/counters.h"
#include "broker/monitor/gauges.h"

void broker_view_measure(struct broker_view *b)
{
    gauges_update(b->counters, b->budget, b->log);
    if (b->measure)
        b->measure(b->measured);
}

void broker_view_advance(struct broker_view *b)
{
    uint64_t now = clock_now_us(), cpu_us;
    broker_view_measure(b);
    cpu_us = b->counters->value[COUNT_cpu_us];
    if (b->begun_us == 0)
        b->begun_us = now;
    else if (now > b->last_us)
        b->cpu_percent = 100.0 * (double)(cpu_us - b->last_cpu_us) /
                         (double)(now - b->last_us);
    b->last_us = now;
    b->last_cpu_us = cpu_us;
    b->seq++;
}

double broker_view_uptime_s(const struct broker_view *b)
{
    return (double)(clock_now_us() - b->begun_us) / 1e6;
}
