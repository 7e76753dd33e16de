/* SPDX-License-Identifier: MIT
 *
 * rules - the rules for channels as people write them: a pattern and what
 * holds for the channels whose names match it,
 *
 *     /queue/jobs limit=16m messages=1000
 *
 * The first that matches holds; the last one, made of the broker's own
 * bounds, matches every name.
 */
#ifndef SLUICE_BROKER_RULES_H
#define SLUICE_BROKER_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "broker/core/rule.h"
#include "broker/option_kind.h"

enum { RULES_MAX = 64 };

/* The keys of a rule; rows in rules.c. */
enum rule_key {
    RULE_LIMIT,
    RULE_MESSAGES,
    RULE_CLIENT_LIMIT,
    RULE_POLICY,
    RULE_PATIENCE,
    RULE_HOLD,
    RULE_KEYS
};

struct rule_values {
    bool is_set[RULE_KEYS];
    uint64_t value[RULE_KEYS];
};

struct rules {
    struct rule rows[RULES_MAX + 1];
    struct rule_values values[RULES_MAX];
    char *patterns[RULES_MAX]; /* owned */
    size_t count;              /* without the last, before rules_finish */
};

void rules_init(struct rules *r);
void rules_fini(struct rules *r);

/* Adds what `text` says. False, with one sentence in `error` and nothing
 * added, when it is not a rule. */
bool rules_add(struct rules *r, const char *text,
               char error[OPTION_ERROR_BYTES]);

/* What was not given is `defaults`, whose pattern must match every name;
 * `rows` and `count` are then what core wants. Call it once. */
void rules_finish(struct rules *r, const struct rule *defaults);

/* A line per key, for help. */
void rules_help(FILE *out);

#endif
