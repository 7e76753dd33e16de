/* SPDX-License-Identifier: MIT */
#include "broker/options/options.h"

#include <stdlib.h>
#include <string.h>

#include "broker/core/topic_policy.h"
#include "broker/options/option_table.h"
#include "common/mistakes.h"
#include "users/users.h"

/* The segments of a journal, unless their size is given. */
enum { SEGMENT_PART = 64, SEGMENT_MIN = 1 << 20, SEGMENT_MAX = 64 << 20 };

static struct option_value *value_of(struct options *o,
                                     const struct option *row)
{
    return (struct option_value *)(void *)((char *)o + row->offset);
}

static const struct option_value *peek_at(const struct options *o,
                                          const struct option *row)
{
    return (const struct option_value *)(const void *)((const char *)o +
                                                       row->offset);
}

static void value_clear(struct option_value *v)
{
    while (v->count > 0)
        free(v->texts[--v->count]);
    *v = (struct option_value){.count = 0};
}

static bool value_add_text(struct option_value *v, const struct option *row,
                           const char *name, const char *text,
                           struct mistakes *m)
{
    if (v->count == row->most)
        return mistakes_add(m, "%s: at most %zu are allowed", name, row->most);
    char *copy = strdup(text);
    if (!copy)
        return mistakes_add(m, "%s: there is no memory for it", name);
    v->texts[v->count++] = copy;
    return true;
}

void options_init(struct options *o)
{
    *o = (struct options){.rules = {.count = 0}};
}

void options_fini(struct options *o)
{
    for (const struct option *row = option_table; row->name; row++)
        if (!option_is_rule(row))
            value_clear(value_of(o, row));
    rules_fini(&o->rules);
    users_unref(o->known);
    o->known = NULL;
}

/* Rules are not replaced by those of a stronger source, only preceded: the
 * first that matches applies. */
static bool options_add_rule(struct options *o, const char *name,
                             const char *text, struct origin origin,
                             struct mistakes *m)
{
    m->place = name;
    bool ok = rules_add(&o->rules, text, origin, m);
    m->place = NULL;
    return ok;
}

bool options_set(struct options *o, const struct option *row, const char *name,
                 const char *text, struct origin origin, struct mistakes *m)
{
    if (option_is_rule(row))
        return options_add_rule(o, name, text, origin, m);
    struct option_value *v = value_of(o, row);
    uint64_t number = 0;
    if (!kind_read(row->kind, name, text, row->min, row->max, &number, m))
        return false;
    if (origin_beats(v->origin, origin))
        return true;
    if (origin_beats(origin, v->origin) || row->most <= 1) {
        value_clear(v);
        v->origin = origin;
    }
    v->number = number;
    return !row->kind->accepts || value_add_text(v, row, name, text, m);
}

/* Bounds that a rule lacks are those that apply to all channels. */
static void options_finish_rules(struct options *o)
{
    struct rule defaults = {
        .pattern = pattern_plain("**"),
        .client_limit_bytes = o->client_limit.number,
        .limit_bytes = o->queue_limit.number,
        .limit_messages = UINT64_MAX,
        .patience_ms = (uint32_t)o->patience.number,
        .hold_messages = 0,
        .is_durable = false,
        .policy = TOPIC_POLICY_DEFAULT,
    };
    rules_finish(&o->rules, &defaults);
}

bool options_finish(struct options *o, struct mistakes *m)
{
    for (const struct option *row = option_table; row->name; row++)
        if (row->initial && options_origin(o, row).kind == ORIGIN_DEFAULT &&
            !options_set(o, row, row->name, row->initial,
                         (struct origin){ORIGIN_DEFAULT, 0}, m))
            return false; /* there is no memory */
    options_finish_rules(o);
    return true;
}

/* A message that takes more than half of the memory could not get in. */
uint64_t options_max_frame(const struct options *o)
{
    uint64_t possible = o->memory.number / 2;
    return o->max_frame.number < possible ? o->max_frame.number : possible;
}

uint64_t options_journal_segment(const struct options *o)
{
    uint64_t part = o->journal_limit.number / SEGMENT_PART;
    if (o->journal_segment.number > 0)
        return o->journal_segment.number;
    part -= part % SEGMENT_MIN;
    return part < SEGMENT_MIN   ? SEGMENT_MIN
           : part > SEGMENT_MAX ? SEGMENT_MAX
                                : part;
}

void options_swap(struct options *a, struct options *b,
                  const struct option *row)
{
    struct option_value value = *value_of(a, row);
    *value_of(a, row) = *value_of(b, row);
    *value_of(b, row) = value;
}

struct origin options_origin(const struct options *o, const struct option *row)
{
    return peek_at(o, row)->origin;
}

size_t options_count(const struct options *o, const struct option *row)
{
    if (option_is_rule(row))
        return o->rules.count;
    return row->kind->accepts ? peek_at(o, row)->count : 1;
}

void options_write(const struct options *o, const struct option *row, size_t i,
                   FILE *out)
{
    char number[KIND_NUMBER_BYTES];
    if (option_is_rule(row)) {
        fputs(o->rules.given[i].pattern, out);
        rules_write_keys(&o->rules, i, " ", "=", "", out);
    } else if (row->kind->accepts) {
        fputs(peek_at(o, row)->texts[i], out);
    } else {
        kind_write(row->kind, peek_at(o, row)->number, number);
        fputs(number, out);
    }
}
