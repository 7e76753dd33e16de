/* SPDX-License-Identifier: MIT */
#include "broker/core/rule.h"

#include <assert.h>

const struct rule *rule_find(const struct rule *rules, size_t count,
                             const uint8_t *name, size_t length)
{
    const struct rule *rule = rules;
    while (!pattern_matches(&rule->pattern, name, length))
        rule++;
    assert(rule < rules + count);
    return rule;
}
