/* SPDX-License-Identifier: MIT */
#include "broker/monitor/subject.h"

#include "broker/base/clock.h"
#include "broker/base/counters.h"
#include "broker/monitor/gauges.h"

void subject_measure(struct subject *s)
{
    gauges_update(s->counters, s->budget, s->log);
}

void subject_advance(struct subject *s)
{
    uint64_t now = clock_now_us(), cpu_us;
    subject_measure(s);
    cpu_us = s->counters->value[COUNT_cpu_us];
    if (s->begun_us == 0)
        s->begun_us = now;
    else if (now > s->last_us)
        s->cpu_percent = 100.0 * (double)(cpu_us - s->last_cpu_us) /
                         (double)(now - s->last_us);
    s->last_us = now;
    s->last_cpu_us = cpu_us;
    s->seq++;
}

double subject_uptime_s(const struct subject *s)
{
    return (double)(clock_now_us() - s->begun_us) / 1e6;
}
