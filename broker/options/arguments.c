/* SPDX-License-Identifier: MIT */
#include "broker/options/arguments.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "broker/options/mistakes.h"
#include "broker/options/options.h"

static const struct {
    const char *word;
    enum action action;
} actions[] = {
    {"--help", ACTION_HELP},     {"-h", ACTION_HELP},
    {"--manual", ACTION_MANUAL}, {"--version", ACTION_VERSION},
    {"--check", ACTION_CHECK},
};

static bool is_action(const char *word, enum action *action)
{
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

static bool take_config(struct arguments *a, int *i, struct mistakes *c)
{
    const char *value = take_value(a, i);
    if (!value || *value == '\0')
        return mistakes_add(c, "--config wants a value: the path of a file");
    a->config = value;
    return true;
}

/* `--http-listen` is what the file calls [http] listen, and here --http. */
static bool reject_option(const char *word, const char *name,
                          struct mistakes *c)
{
    enum action ignored;
    if (is_action(word, &ignored))
        return mistakes_add(c, "%s takes no value", word);
    for (size_t i = 0; i < option_table_size; i++)
        if (option_may_be_called(&option_table[i], name))
            return mistakes_add(c, "unknown option '--%s'; there is --%s", name,
                                option_table[i].name);
    return mistakes_add(c, "unknown option '--%s'; see sluiced --help", name);
}

static bool take_option(struct arguments *a, int *i, struct options *o,
                        struct mistakes *c)
{
    const char *word = a->argv[*i], *name = word + 2;
    char label[64], error[MISTAKE_BYTES];
    if (strncmp(word, "--", 2) != 0 || *name == '\0')
        return mistakes_add(c, "unexpected argument '%s'; see sluiced --help",
                            word);
    size_t length = strcspn(name, "=");
    const struct option *row = option_find(name, length);
    if (!row) {
        snprintf(label, sizeof label, "--%.*s", (int)length, name);
        return reject_option(label, label + 2, c);
    }
    const char *value = take_value(a, i);
    snprintf(label, sizeof label, "--%s", row->name);
    if (!value)
        return mistakes_add(c, "%s wants a value: %s", label, row->kind->form);
    return options_set(o, row, label, value,
                       (struct origin){ORIGIN_ARGUMENT, 0}, error) ||
           mistakes_add(c, "%s", error);
}

static bool is_config(const char *word)
{
    return strcmp(word, "-c") == 0 || strcmp(word, "--config") == 0 ||
           strncmp(word, "--config=", 9) == 0;
}

bool arguments_read(struct arguments *a, struct options *o, struct mistakes *c)
{
    a->action = ACTION_RUN;
    a->config = NULL;
    for (int i = 1; i < a->argc; i++) {
        if (is_action(a->argv[i], &a->action)) {
            if (a->action != ACTION_CHECK)
                return true;
        } else if (is_config(a->argv[i])) {
            if (!take_config(a, &i, c))
                return false;
        } else if (!take_option(a, &i, o, c)) {
            return false;
        }
    }
    return true;
}
