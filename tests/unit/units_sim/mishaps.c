/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/mishaps.h"

#include "broker/core/topic_policy.h"
#include "tests/fuzz/faults.h"
#include "tests/unit/units_sim/report.h"

enum { CLIENT_LIMIT = 8000, QUEUE_LIMIT = 20000, PREFETCH = 1000 };

static void set_rules(struct sim *sim, uint32_t divisor)
{
    for (int i = 0; i <= CHANNELS; i++) {
        const struct name *n = &names[i < CHANNELS ? i : 0];
        bool is_last = i == CHANNELS;
        const char *policy = n->policy && !is_last ? n->policy : "wait";
        bool is_odd = n->octets[1] == 't' && n->octets[2] == '/';
        sim->rules[i] = (struct rule){
            .pattern = pattern_plain(is_last  ? "**"
                                     : is_odd ? "/t/*"
                                              : n->octets),
            .client_limit_bytes = CLIENT_LIMIT / divisor,
            .limit_bytes = QUEUE_LIMIT / divisor,
            .limit_messages = UINT64_MAX,
            .patience_ms = 1000 / divisor,
            .hold_messages = is_last ? 0 : n->hold,
            .policy = topic_policy_find(policy),
        };
    }
}

static void configure(struct sim *sim, uint32_t divisor)
{
    struct core_config config = sim->house.core.turn.config;
    set_rules(sim, divisor);
    config.rules = sim->rules;
    config.rule_count = CHANNELS + 1;
    config.prefetch_bytes = PREFETCH / divisor;
    core_configure(&sim->house.core, &config);
}

void mishaps_begin(struct sim *sim)
{
    configure(sim, 1);
}

void mishaps_rules(struct sim *sim)
{
    if (!sim->mood.may_change)
        return;
    uint32_t divisor = 1 + chance(sim, 4);
    report_step(sim->report, "limits are divided by %u", divisor);
    configure(sim, divisor);
}

void mishaps_memory(struct sim *sim)
{
    static const uint64_t limits[] = {150000, 300000, 600000};
    if (!sim->mood.is_short)
        return;
    uint64_t limit = limits[chance(sim, 3)];
    report_step(sim->report, "memory is %u bytes", (unsigned)limit);
    sim->house.budget.limit_bytes = limit;
}

void mishaps_fault(struct sim *sim)
{
    if (!sim->mood.is_faulty)
        return;
    uint32_t nth = 1 + chance(sim, 40);
    report_step(sim->report, "allocation %u fails", nth);
    report_count(sim->report, REPORT_failed);
    faults_fail_nth(nth);
}

void mishaps_end(struct sim *sim)
{
    faults_fail_nth(0);
    sim->house.budget.limit_bytes = 0;
    configure(sim, 1);
}
