/* SPDX-License-Identifier: MIT */
#include "broker/options/rules.h"

#include <stdlib.h>
#include <string.h>

#include "broker/core/pattern.h"
#include "broker/core/policy.h"

struct rule_row {
    const char *name;
    const struct kind *kind;
    uint64_t min, max;
    const char *sentence;
};

static const struct rule_row rows[RULE_KEYS] = {
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
    snprintf(error, MISTAKE_BYTES, "'%s' %s", what, sentence);
    return false;
}

static bool rule_set(struct rule_values *v, const char *key, const char *text,
                     char *error)
{
    for (size_t i = 0; i < RULE_KEYS; i++) {
        const struct rule_row *row = &rows[i];
        if (strcmp(row->name, key) != 0)
            continue;
        if (v->is_set[i])
            return fail(error, "is given twice", key);
        v->is_set[i] = true;
        return kind_read(row->kind, row->name, text, row->min, row->max,
                         &v->value[i], error);
    }
    return fail(error,
                "is not an option of a channel: limit, messages, "
                "client-limit, policy, patience or hold",
                key);
}

static bool rule_set_word(struct rule_values *v, char *word, char *error)
{
    char *equals = strchr(word, '=');
    if (!equals)
        return fail(error, "is not option=value", word);
    *equals = '\0';
    return rule_set(v, word, equals + 1, error);
}

static bool fail_for_memory(char *error, const char *what)
{
    return fail(error, "cannot be kept: there is no memory for it", what);
}

static bool fail_for_room(char *error, const char *what)
{
    return fail(error, "is one rule too many, 64 is the most", what);
}

bool rules_open(struct rules *r, const char *pattern, char error[MISTAKE_BYTES])
{
    if (!pattern_is_valid(pattern))
        return fail(error, "is not " PATTERN_FORM, pattern);
    if (r->count == RULES_MAX)
        return fail_for_room(error, pattern);
    char *own = strdup(pattern);
    if (!own)
        return fail_for_memory(error, pattern);
    r->patterns[r->count] = own;
    r->values[r->count] = (struct rule_values){.is_set = {false}};
    r->count++;
    return true;
}

bool rules_set(struct rules *r, const char *key, const char *value,
               char error[MISTAKE_BYTES])
{
    return rule_set(&r->values[r->count - 1], key, value, error);
}

void rules_set_origin(struct rules *r, struct origin origin)
{
    r->values[r->count - 1].origin = origin;
}

static void rules_drop_last(struct rules *r)
{
    r->count--;
    free(r->patterns[r->count]);
    r->patterns[r->count] = NULL;
}

static bool rules_add_words(struct rules *r, char *text, char *error)
{
    char *rest, *pattern = strtok_r(text, " \t", &rest), *word;
    if (!rules_open(r, pattern ? pattern : "", error))
        return false;
    while ((word = strtok_r(NULL, " \t", &rest)) != NULL) {
        if (!rule_set_word(&r->values[r->count - 1], word, error)) {
            rules_drop_last(r);
            return false;
        }
    }
    return true;
}

bool rules_add(struct rules *r, const char *text, char error[MISTAKE_BYTES])
{
    if (r->count == RULES_MAX)
        return fail_for_room(error, text);
    char *words = strdup(text);
    if (!words)
        return fail_for_memory(error, text);
    bool ok = rules_add_words(r, words, error);
    free(words);
    return ok;
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
    r->is_finished = true;
}

size_t rules_given(const struct rules *r)
{
    return r->is_finished ? r->count - 1 : r->count;
}

void rules_write(const struct rules *r, size_t i, const char *before,
                 const char *equals, const char *after, FILE *out)
{
    const struct rule_values *v = &r->values[i];
    for (size_t k = 0; k < RULE_KEYS; k++) {
        char value[KIND_NUMBER_BYTES];
        if (!v->is_set[k])
            continue;
        rows[k].kind->format(v->value[k], value);
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
