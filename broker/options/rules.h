/* SPDX-License-Identifier: MIT
 *
 * rules - the rules for channels as they are written: a pattern, and the bounds
 * and policy of the channels whose names match it,
 *
 *     /queue/jobs limit=16m messages=1000
 *
 * The first that matches applies; the last one, made of the broker's own
 * bounds, matches every name.
 */
#ifndef SLUICE_OPTIONS_RULES_H
#define SLUICE_OPTIONS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "broker/core/rule.h"
#include "broker/options/origin.h"

struct kind;
struct mistakes;

enum { RULES_MAX = 64 };

/* The keys of a rule; rows in rules.c. */
enum rule_key {
    RULE_LIMIT,
    RULE_MESSAGES,
    RULE_CLIENT_LIMIT,
    RULE_POLICY,
    RULE_PATIENCE,
    RULE_HOLD,
    RULE_DURABLE,
    RULE_KEYS
};

struct rule_values {
    char *pattern; /* owned */
    bool is_set[RULE_KEYS];
    uint64_t value[RULE_KEYS];
    struct origin origin;
};

struct rules {
    struct rule_values given[RULES_MAX];
    size_t count; /* of those given */
    /* The rows for core: one more than were given. */
    struct rule rows[RULES_MAX + 1];
};

/* Rules begin as zeros. */
void rules_fini(struct rules *r);

/* Adds what `text` says. False, with a mistake and nothing added, when it is
 * not a rule. */
bool rules_add(struct rules *r, const char *text, struct origin origin,
               struct mistakes *m);

/* The same piece by piece: a rule without keys is added, then its keys are
 * set. False, with a mistake, when that is not possible. */
bool rules_open(struct rules *r, const char *pattern, struct origin origin,
                struct mistakes *m);
bool rules_set(struct rules *r, const char *key, const char *text,
               struct mistakes *m);

/* Fills `rows`; a key that was not given is taken from `defaults`, whose
 * pattern must match every name. */
void rules_finish(struct rules *r, const struct rule *defaults);

/* Writes each key of the i-th rule with its value: `before`, the key, `equals`,
 * the value, `after`. */
void rules_write_keys(const struct rules *r, size_t i, const char *before,
                      const char *equals, const char *after, FILE *out);

/* Calls `row` for each key a rule may have, for help and the reference. */
void rules_each_key(void (*row)(FILE *out, const char *name,
                                const struct kind *kind, const char *sentence),
                    FILE *out);

#endif
