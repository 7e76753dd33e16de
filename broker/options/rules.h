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
#ifndef SLUICE_OPTIONS_RULES_H
#define SLUICE_OPTIONS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "broker/core/rule.h"
#include "broker/options/kind.h"
#include "broker/options/origin.h"

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
    struct origin origin;
};

struct rules {
    struct rule rows[RULES_MAX + 1];
    struct rule_values values[RULES_MAX];
    char *patterns[RULES_MAX]; /* owned */
    size_t count;              /* without the last, before rules_finish */
    bool is_finished;
};

void rules_init(struct rules *r);
void rules_fini(struct rules *r);

/* Adds what `text` says. False, with one sentence in `error` and nothing
 * added, when it is not a rule. */
bool rules_add(struct rules *r, const char *text, char error[MISTAKE_BYTES]);

/* The same piece by piece: a rule without keys is added, then its keys are
 * set. False, with a sentence, when that is not possible. */
bool rules_open(struct rules *r, const char *pattern,
                char error[MISTAKE_BYTES]);
bool rules_set(struct rules *r, const char *key, const char *value,
               char error[MISTAKE_BYTES]);

/* The origin of the rule that was added last. */
void rules_set_origin(struct rules *r, struct origin origin);

/* What was not given is `defaults`, whose pattern must match every name;
 * `rows` and `count` are then what core wants. Call it once. */
void rules_finish(struct rules *r, const struct rule *defaults);

/* How many were given. */
size_t rules_given(const struct rules *r);

/* Writes what the i-th of those given says: each key and its value with the
 * three around them. */
void rules_write(const struct rules *r, size_t i, const char *before,
                 const char *equals, const char *after, FILE *out);

/* Calls `row` for each key a rule may have, for help and the reference. */
void rules_each_key(void (*row)(FILE *out, const char *name,
                                const struct kind *kind, const char *sentence),
                    FILE *out);

#endif
