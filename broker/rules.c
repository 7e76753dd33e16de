/* SPDX-License-Identifier: MIT */
#include "broker/rules.h"

#include <stdlib.h>
#include <string.h>

#include "broker/core/pattern.h"
#include "broker/core/policy.h"

struct rule_row {
    const char *name;
    const struct option_kind *kind;
    uint64_t min, max;
    const char *range;
    const char *sentence;
};

static const struct rule_row rows[RULE_KEYS] = {
    [RULE_LIMIT] = {"limit", &option_kind_size, 1024, 1ull << 40,
                    "from 1k to 1024g",
                    "bytes a queue holds; of a topic, as client-limit"},
    [RULE_MESSAGES] = {"messages", &option_kind_count, 1, UINT32_MAX,
                       "from 1 to 4294967295",
                       "messages a queue holds, or a topic's subscriber"},
    [RULE_CLIENT_LIMIT] = {"client-limit", &option_kind_size, 1024, 1ull << 40,
                           "from 1k to 1024g",
                           "unsent output of one subscriber"},
    [RULE_POLICY] = {"policy", &option_kind_policy, 0, UINT32_MAX, "",
                     "wait, drop-newest, drop-oldest or disconnect"},
    [RULE_PATIENCE] = {"patience", &option_kind_duration, 0, 86400000,
                       "from 0 to 24h", "of the policy wait"},
    [RULE_HOLD] = {"hold", &option_kind_count, 0, UINT32_MAX,
                   "from 0 to 4294967295",
                   "messages a topic keeps for its first subscriber"},
};

void rules_init(struct rules *r)
{
    *r = (struct rules){.count = 0};
}

void rules_fini(struct rules *r)
{
    for (size_t i = 0; i < RULES_MAX; i++)
        free(r->patterns[i]);
    rules_init(r);
}

static bool fail(char *error, const char *sentence, const char *what)
{
    snprintf(error, OPTION_ERROR_BYTES, "'%s' %s", what, sentence);
    return false;
}

static bool rule_set(struct rule_values *v, char *word, char *error)
{
    char *equals = strchr(word, '=');
    if (!equals)
        return fail(error, "is not option=value", word);
    *equals = '\0';
    for (size_t i = 0; i < RULE_KEYS; i++) {
        const struct rule_row *row = &rows[i];
        if (strcmp(row->name, word) != 0)
            continue;
        v->is_set[i] = true;
        return option_kind_read(row->kind, row->name, equals + 1, row->min,
                                row->max, row->range, &v->value[i], error);
    }
    return fail(error,
                "is not an option of a channel: limit, messages, "
                "client-limit, policy, patience or hold",
                word);
}

static bool rule_parse(struct rule_values *v, char *text, char **pattern,
                       char *error)
{
    char *rest;
    *pattern = strtok_r(text, " \t", &rest);
    if (!*pattern || !pattern_is_valid(*pattern))
        return fail(error, "is not " PATTERN_FORM, *pattern ? *pattern : "");
    char *word;
    while ((word = strtok_r(NULL, " \t", &rest)) != NULL)
        if (!rule_set(v, word, error))
            return false;
    return true;
}

bool rules_add(struct rules *r, const char *text,
               char error[OPTION_ERROR_BYTES])
{
    struct rule_values values = {.is_set = {false}};
    char *pattern;
    if (r->count == RULES_MAX)
        return fail(error, "is one rule too many, 64 is the most", text);
    char *own = strdup(text);
    if (!own)
        return fail(error, "is too much for the memory there is", text);
    if (!rule_parse(&values, own, &pattern, error)) {
        free(own);
        return false;
    }
    memmove(own, pattern, strlen(pattern) + 1);
    r->patterns[r->count] = own;
    r->values[r->count] = values;
    r->count++;
    return true;
}

static uint64_t rule_value(const struct rule_values *v, enum rule_key key,
                           uint64_t otherwise)
{
    return v->is_set[key] ? v->value[key] : otherwise;
}

static struct rule rule_finish(const struct rule_values *v, const char *pattern,
                               const struct rule *d)
{
    size_t policy =
        rule_value(v, RULE_POLICY, (uint64_t)(d->policy - policies));
    uint64_t limit = rule_value(v, RULE_LIMIT, d->client_limit_bytes);
    return (struct rule){
        .pattern = pattern,
        .client_limit_bytes = rule_value(v, RULE_CLIENT_LIMIT, limit),
        .limit_bytes = rule_value(v, RULE_LIMIT, d->limit_bytes),
        .limit_messages = rule_value(v, RULE_MESSAGES, d->limit_messages),
        .patience_ms = (uint32_t)rule_value(v, RULE_PATIENCE, d->patience_ms),
        .hold_messages = (uint32_t)rule_value(v, RULE_HOLD, d->hold_messages),
        .policy = &policies[policy],
    };
}

void rules_finish(struct rules *r, const struct rule *defaults)
{
    for (size_t i = 0; i < r->count; i++)
        r->rows[i] = rule_finish(&r->values[i], r->patterns[i], defaults);
    r->rows[r->count++] = *defaults;
}

void rules_help(FILE *out)
{
    for (size_t i = 0; i < RULE_KEYS; i++) {
        char left[40];
        snprintf(left, sizeof left, "%s=%s", rows[i].name,
                 rows[i].kind->placeholder);
        fprintf(out, "  %-24s %s\n", left, rows[i].sentence);
    }
}
