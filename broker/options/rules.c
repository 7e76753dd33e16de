/* SPDX-License-Identifier: MIT */
#include "broker/options/rules.h"

#include <stdlib.h>
#include <string.h>

#include "broker/core/topic_policy.h"
#include "broker/options/kind.h"
#include "common/mistakes.h"
#include "proto/pattern.h"

static const struct rule_row {
    const char *name;
    const struct kind *kind;
    uint64_t min, max;
    const char *sentence;
} rows[RULE_KEYS] = {
    [RULE_LIMIT] = {"limit", &kind_size, 1024, 1ull << 40,
                    "bytes a queue holds; of a topic, as client-limit"},
    [RULE_MESSAGES] = {"messages", &kind_count, 1, UINT32_MAX,
                       "messages a queue holds, or a topic's subscriber"},
    [RULE_CLIENT_LIMIT] = {"client-limit", &kind_size, 1024, 1ull << 40,
                           "unsent output of one subscriber"},
    [RULE_POLICY] = {"policy", &kind_policy, 0, UINT32_MAX,
                     "wait, drop-newest, drop-oldest or disconnect"},
    [RULE_PATIENCE] = {"patience", &kind_duration, 0, 86400000,
                       "of the policy wait"},
    [RULE_HOLD] = {"hold", &kind_count, 0, UINT32_MAX,
                   "messages a topic keeps for its first subscriber"},
    [RULE_DURABLE] = {"durable", &kind_yes_no, 0, 1,
                      "whether a queue is kept on disk; needs --journal"},
};

void rules_fini(struct rules *r)
{
    while (r->count > 0)
        free(r->given[--r->count].pattern);
}

static bool rules_have_room(const struct rules *r, const char *text,
                            struct mistakes *m)
{
    if (r->count < RULES_MAX)
        return true;
    return mistakes_add(m, "'%s' is one rule too many, %d is the most", text,
                        RULES_MAX);
}

bool rules_open(struct rules *r, const char *pattern, struct origin origin,
                struct mistakes *m)
{
    struct pattern read;
    if (!pattern_read_plain(&read, span_of(pattern)))
        return mistakes_add(m, "'%s' is not " PATTERN_FORM, pattern);
    if (!rules_have_room(r, pattern, m))
        return false;
    char *own = strdup(pattern);
    if (!own)
        return mistakes_add(m, "there is no memory for it");
    r->given[r->count++] =
        (struct rule_values){.pattern = own, .origin = origin};
    return true;
}

bool rules_set(struct rules *r, const char *key, const char *text,
               struct mistakes *m)
{
    struct rule_values *v = &r->given[r->count - 1];
    for (size_t i = 0; i < RULE_KEYS; i++) {
        const struct rule_row *row = &rows[i];
        if (strcmp(row->name, key) != 0)
            continue;
        if (v->is_set[i])
            return mistakes_add(m, "'%s' is given twice", key);
        v->is_set[i] = true;
        return kind_read(row->kind, key, text, row->min, row->max, &v->value[i],
                         m);
    }
    return mistakes_add(m,
                        "'%s' is not a key of a channel: limit, messages, "
                        "client-limit, policy, patience, hold or durable",
                        key);
}

static bool rules_set_word(struct rules *r, char *word, struct mistakes *m)
{
    char *equals = strchr(word, '=');
    if (!equals)
        return mistakes_add(m, "'%s' is not key=value", word);
    *equals = '\0';
    return rules_set(r, word, equals + 1, m);
}

static bool rules_add_words(struct rules *r, char *text, struct origin origin,
                            struct mistakes *m)
{
    char *rest, *pattern = strtok_r(text, " \t", &rest), *word;
    if (!rules_open(r, pattern ? pattern : "", origin, m))
        return false;
    while ((word = strtok_r(NULL, " \t", &rest)) != NULL) {
        if (!rules_set_word(r, word, m)) {
            free(r->given[--r->count].pattern);
            return false;
        }
    }
    return true;
}

bool rules_add(struct rules *r, const char *text, struct origin origin,
               struct mistakes *m)
{
    if (!rules_have_room(r, text, m))
        return false;
    char *words = strdup(text);
    if (!words)
        return mistakes_add(m, "there is no memory for it");
    bool ok = rules_add_words(r, words, origin, m);
    free(words);
    return ok;
}

static uint64_t rule_value(const struct rule_values *v, enum rule_key key,
                           uint64_t otherwise)
{
    return v->is_set[key] ? v->value[key] : otherwise;
}

static struct rule rule_of(const struct rule_values *v, const struct rule *d)
{
    size_t policy =
        rule_value(v, RULE_POLICY, (uint64_t)(d->policy - topic_policies));
    uint64_t limit = rule_value(v, RULE_LIMIT, d->client_limit_bytes);
    return (struct rule){
        .pattern = pattern_plain(v->pattern),
        .client_limit_bytes = rule_value(v, RULE_CLIENT_LIMIT, limit),
        .limit_bytes = rule_value(v, RULE_LIMIT, d->limit_bytes),
        .limit_messages = rule_value(v, RULE_MESSAGES, d->limit_messages),
        .patience_ms = (uint32_t)rule_value(v, RULE_PATIENCE, d->patience_ms),
        .hold_messages = (uint32_t)rule_value(v, RULE_HOLD, d->hold_messages),
        .is_durable = rule_value(v, RULE_DURABLE, d->is_durable) != 0,
        .policy = &topic_policies[policy],
    };
}

void rules_finish(struct rules *r, const struct rule *defaults)
{
    for (size_t i = 0; i < r->count; i++)
        r->rows[i] = rule_of(&r->given[i], defaults);
    r->rows[r->count] = *defaults;
}

void rules_write_keys(const struct rules *r, size_t i, const char *before,
                      const char *equals, const char *after, FILE *out)
{
    const struct rule_values *v = &r->given[i];
    for (size_t k = 0; k < RULE_KEYS; k++) {
        char value[KIND_NUMBER_BYTES];
        if (!v->is_set[k])
            continue;
        kind_write(rows[k].kind, v->value[k], value);
        fprintf(out, "%s%s%s%s%s", before, rows[k].name, equals, value, after);
    }
}

void rules_each_key(void (*row)(FILE *out, const char *name,
                                const struct kind *kind, const char *sentence),
                    FILE *out)
{
    for (size_t i = 0; i < RULE_KEYS; i++)
        row(out, rows[i].name, rows[i].kind, rows[i].sentence);
}
