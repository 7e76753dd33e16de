/* SPDX-License-Identifier: MIT */
#include "broker/options/options.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/policy.h"

/* What an option of some shape can do. `set` has been told that no stronger
 * source has spoken; `is_new` that this one had not either. */
struct shape {
    size_t size; /* of the field */
    bool (*set)(struct options *o, const struct option *row, const char *text,
                bool is_new, char *error);
    void (*write)(const struct options *o, const struct option *row,
                  const char *between, FILE *out);
    void (*fini)(struct options *o, const struct option *row);
};

static void *field_of(struct options *o, const struct option *row)
{
    return (char *)o + row->offset;
}

static const void *value_of(const struct options *o, const struct option *row)
{
    return (const char *)o + row->offset;
}

static bool fail_for_memory(char *error)
{
    snprintf(error, MISTAKE_BYTES, "there is no memory for it");
    return false;
}

static void number_write(const struct options *o, const struct option *row,
                         const char *between, FILE *out)
{
    (void)between;
    char text[KIND_NUMBER_BYTES];
    const uint64_t *value = value_of(o, row);
    row->kind->format(*value, text);
    fputs(text, out);
}

/* It has been read already, to be judged. */
static bool number_set(struct options *o, const struct option *row,
                       const char *text, bool is_new, char *error)
{
    (void)is_new;
    return kind_read(row->kind, row->name, text, row->min, row->max,
                     field_of(o, row), error);
}

static void number_fini(struct options *o, const struct option *row)
{
    (void)o;
    (void)row;
}

static void text_write(const struct options *o, const struct option *row,
                       const char *between, FILE *out)
{
    (void)between;
    char *const *text = value_of(o, row);
    if (*text)
        fputs(*text, out);
}

static void text_fini(struct options *o, const struct option *row)
{
    char **text = field_of(o, row);
    free(*text);
    *text = NULL;
}

static bool text_set(struct options *o, const struct option *row,
                     const char *text, bool is_new, char *error)
{
    char **own = field_of(o, row), *copy = strdup(text);
    (void)is_new;
    if (!copy)
        return fail_for_memory(error);
    free(*own);
    *own = copy;
    return true;
}

static void list_write(const struct options *o, const struct option *row,
                       const char *between, FILE *out)
{
    const struct option_list *list = value_of(o, row);
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s%s", i > 0 ? between : "", list->items[i]);
}

static void list_fini(struct options *o, const struct option *row)
{
    struct option_list *list = field_of(o, row);
    while (list->count > 0)
        free(list->items[--list->count]);
}

static bool list_set(struct options *o, const struct option *row,
                     const char *text, bool is_new, char *error)
{
    struct option_list *list = field_of(o, row);
    if (is_new)
        list_fini(o, row);
    if (list->count == OPTIONS_LIST_MAX) {
        snprintf(error, MISTAKE_BYTES, "%d of them are the most",
                 OPTIONS_LIST_MAX);
        return false;
    }
    char *copy = strdup(text);
    if (!copy)
        return fail_for_memory(error);
    list->items[list->count++] = copy;
    return true;
}

static void rules_field_write(const struct options *o, const struct option *row,
                              const char *between, FILE *out)
{
    const struct rules *rules = value_of(o, row);
    for (size_t i = 0; i < rules_given(rules); i++) {
        fprintf(out, "%s%s", i > 0 ? between : "", rules->patterns[i]);
        rules_write(rules, i, " ", "=", "", out);
    }
}

static bool rules_field_set(struct options *o, const struct option *row,
                            const char *text, bool is_new, char *error)
{
    (void)is_new;
    return rules_add(field_of(o, row), text, error);
}

static void rules_field_fini(struct options *o, const struct option *row)
{
    rules_fini(field_of(o, row));
}

static const struct shape shapes[] = {
    [OPTION_NUMBER] = {sizeof(uint64_t), number_set, number_write, number_fini},
    [OPTION_TEXT] = {sizeof(char *), text_set, text_write, text_fini},
    [OPTION_LIST] = {sizeof(struct option_list), list_set, list_write,
                     list_fini},
    [OPTION_RULES] = {sizeof(struct rules), rules_field_set, rules_field_write,
                      rules_field_fini},
};

void options_init(struct options *o)
{
    *o = (struct options){.memory = 0};
    rules_init(&o->rules);
}

void options_fini(struct options *o)
{
    for (size_t i = 0; i < option_table_size; i++)
        shapes[option_table[i].shape].fini(o, &option_table[i]);
}

/* Rules are not replaced by those of a stronger source, only preceded: the
 * first that matches holds. */
static bool options_add_rule(struct options *o, const struct option *row,
                             const char *label, const char *text,
                             struct origin origin, char *error)
{
    char why[MISTAKE_BYTES];
    if (shapes[OPTION_RULES].set(o, row, text, false, why)) {
        rules_set_origin(field_of(o, row), origin);
        return true;
    }
    snprintf(error, MISTAKE_BYTES, "%s: %.400s", label, why);
    return false;
}

bool options_set(struct options *o, const struct option *row, const char *label,
                 const char *text, struct origin origin,
                 char error[MISTAKE_BYTES])
{
    struct origin *have = &o->origins[option_index(row)];
    uint64_t ignored;
    char why[MISTAKE_BYTES];
    if (row->shape == OPTION_RULES)
        return options_add_rule(o, row, label, text, origin, error);
    if (!kind_read(row->kind, label, text, row->min, row->max, &ignored, error))
        return false;
    if (origin_beats(*have, origin))
        return true;
    bool is_new = origin_beats(origin, *have);
    if (!shapes[row->shape].set(o, row, text, is_new, why)) {
        snprintf(error, MISTAKE_BYTES, "%s: %.400s", label, why);
        return false;
    }
    if (is_new || row->shape != OPTION_LIST) /* a list is where it begins */
        *have = origin;
    return true;
}

/* What is said of some channels is completed by what is said of all. */
static void options_finish_rules(struct options *o)
{
    struct rule defaults = {
        .pattern = "**",
        .client_limit_bytes = o->client_limit,
        .limit_bytes = o->queue_limit,
        .limit_messages = UINT64_MAX,
        .patience_ms = (uint32_t)o->patience,
        .hold_messages = 0,
        .policy = POLICY_DEFAULT,
    };
    rules_finish(&o->rules, &defaults);
}

bool options_finish(struct options *o, char error[MISTAKE_BYTES])
{
    for (size_t i = 0; i < option_table_size; i++) {
        const struct option *row = &option_table[i];
        if (!row->initial || o->origins[i].kind != ORIGIN_DEFAULT)
            continue;
        if (!options_set(o, row, row->name, row->initial,
                         (struct origin){ORIGIN_DEFAULT, 0}, error))
            return false; /* for want of memory */
    }
    options_finish_rules(o);
    return true;
}

/* A message that takes more than half of the memory could not get in. */
uint64_t options_max_frame(const struct options *o)
{
    uint64_t possible = o->memory / 2;
    return o->max_frame < possible ? o->max_frame : possible;
}

static void swap_bytes(char *a, char *b, size_t n)
{
    for (; n > 0; n--, a++, b++) {
        char c = *a;
        *a = *b;
        *b = c;
    }
}

void options_swap(struct options *a, struct options *b,
                  const struct option *row)
{
    size_t i = option_index(row);
    struct origin origin = a->origins[i];
    a->origins[i] = b->origins[i];
    b->origins[i] = origin;
    swap_bytes(field_of(a, row), field_of(b, row), shapes[row->shape].size);
}

char *options_text(const struct options *o, const struct option *row,
                   const char *between)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    shapes[row->shape].write(o, row, between, out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
