/* SPDX-License-Identifier: MIT
 *
 * rule - the bounds of the channels whose names match a pattern, the policy of
 * topics, and whether queues are durable. Bounds that a rule does not give are
 * those of the broker.
 */
#ifndef SLUICE_CORE_RULE_H
#define SLUICE_CORE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pattern.h"

struct topic_policy;

struct rule {
    struct pattern pattern;
    uint64_t client_limit_bytes; /* topic: of each subscriber's outbox */
    uint64_t limit_bytes;        /* queue: of what it holds */
    uint64_t limit_messages;     /* both; UINT64_MAX: no limit */
    uint32_t patience_ms;        /* topic: of the policy `wait` */
    uint32_t hold_messages;      /* topic: kept for the first subscriber */
    bool is_durable;             /* queue: kept on disk */
    const struct topic_policy *policy; /* topic */
};

/* The first of `rules` that matches the name; the last one of them must match
 * every name. */
const struct rule *rule_find(const struct rule *rules, size_t count,
                             const uint8_t *name, size_t length);

#endif
