/* SPDX-License-Identifier: MIT */
#include "broker/options/arguments.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "broker/options/option_table.h"
#include "broker/options/options.h"
#include "common/mistakes.h"
#include "common/suggest.h"

enum { LABEL_BYTES = 64 };

static const struct {
    const char *word;
    enum action action;
} actions[] = {
    {"--help", ACTION_HELP},
    {"--manual", ACTION_MANUAL},
    {"--version", ACTION_VERSION},
    {"--check", ACTION_CHECK},
};

static bool find_action(const char *word, enum action *action)
{
    if (strcmp(word, "-h") == 0)
        word = "--help";
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(word, actions[i].word) == 0) {
            *action = actions[i].action;
            return true;
        }
    }
    return false;
}

/* The value of `--name=value` or `--name value`, NULL when there is none; *i
 * moves on over what it took. */
static const char *take_value(const struct arguments *a, int *i)
{
    const char *equals = strchr(a->argv[*i], '=');
    if (equals)
        return equals + 1;
    return *i + 1 < a->argc ? a->argv[++*i] : NULL;
}

static bool is_config(const char *word)
{
    return strcmp(word, "-c") == 0 || strcmp(word, "--config") == 0 ||
           strncmp(word, "--config=", 9) == 0;
}

static bool take_config(struct arguments *a, int *i, struct mistakes *m)
{
    a->config = take_value(a, i);
    if (a->config && *a->config)
        return true;
    return mistakes_add(m, "--config needs a value: the path of a file");
}

/* The option or action that was probably meant, without its dashes; NULL when
 * none is near. */
static const char *suggest(const char *name)
{
    struct suggestion s = suggest_for(name);
    for (const struct option *row = option_table; row->name; row++)
        suggest_try(&s, row->name);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        suggest_try(&s, actions[i].word + 2);
    suggest_try(&s, "config");
    return s.best;
}

/* `label` is the text before the '='. `--http-listen` would be [http] listen of
 * the file, which is --http here. */
static bool reject_option(const char *label, struct mistakes *m)
{
    enum action ignored;
    if (find_action(label, &ignored))
        return mistakes_add(m, "%s takes no value", label);
    for (const struct option *row = option_table; row->name; row++)
        if (option_may_be_called(row, label + 2))
            return mistakes_add(m, "unknown option '%s'; there is --%s", label,
                                row->name);
    const char *near = suggest(label + 2);
    if (near)
        return mistakes_add(m, "unknown option '%s'; did you mean --%s?", label,
                            near);
    return mistakes_add(m, "unknown option '%s'; see sluiced --help", label);
}

static bool take_option(struct arguments *a, int *i, struct options *o,
                        struct mistakes *m)
{
    const char *word = a->argv[*i];
    char label[LABEL_BYTES];
    size_t length = strcspn(word, "=");
    if (strncmp(word, "--", 2) != 0 || word[2] == '\0')
        return mistakes_add(m, "unexpected argument '%s'; see sluiced --help",
                            word);
    snprintf(label, sizeof label, "%.*s", (int)length, word);
    const struct option *row = option_find(word + 2, length - 2);
    if (!row)
        return reject_option(label, m);
    const char *value = take_value(a, i);
    if (!value)
        return mistakes_add(m, "%s needs a value: %s", label, row->kind->form);
    return options_set(o, row, label, value,
                       (struct origin){ORIGIN_ARGUMENT, 0}, m);
}

bool arguments_read(struct arguments *a, struct options *o, struct mistakes *m)
{
    a->action = ACTION_RUN;
    a->config = NULL;
    for (int i = 1; i < a->argc; i++) {
        if (find_action(a->argv[i], &a->action)) {
            if (a->action != ACTION_CHECK)
                return true;
        } else if (is_config(a->argv[i])) {
            if (!take_config(a, &i, m))
                return false;
        } else if (!take_option(a, &i, o, m)) {
            return false;
        }
    }
    return true;
}
