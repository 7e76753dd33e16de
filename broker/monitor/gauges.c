/* SPDX-License-Identifier: MIT */
#include "broker/monitor/gauges.h"

#include "broker/base/budget.h"
#include "broker/base/counters.h"
#include "broker/base/log.h"
#include "broker/base/process.h"

void gauges_update(struct counters *counters, const struct budget *budget,
                   const struct log *log)
{
    counter_set(counters, COUNT_memory_bytes, budget->used_bytes);
    counter_set(counters, COUNT_memory_limit_bytes, budget->limit_bytes);
    counter_set(counters, COUNT_memory_peak_bytes, budget->peak_bytes);
    counter_set(counters, COUNT_memory_waste_bytes, budget->waste_bytes);
    counter_set(counters, COUNT_log_lost, log->lost);
    counter_set(counters, COUNT_rss_bytes, process_rss_bytes());
    counter_set(counters, COUNT_cpu_us, process_cpu_us());
}
