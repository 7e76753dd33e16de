/* SPDX-License-Identifier: MIT */
#include "broker/options/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/options/option_table.h"
#include "broker/options/options.h"
#include "common/ini.h"
#include "common/mistakes.h"

enum { LIST_BYTES = 512 }; /* of the names in a mistake */

/* The kind of section that the reader is in. */
enum section {
    SECTION_NONE, /* before the first one */
    SECTION_OPTIONS,
    SECTION_CHANNEL, /* a rule was added for it */
    SECTION_WRONG,   /* a mistake; its lines are skipped */
};

struct file {
    struct options *options;
    struct mistakes *mistakes; /* know path and line */
    enum section section;
    const char *name;           /* of a section of options */
    unsigned lines[OPTION_MAX]; /* where each key was set, or 0 */
};

static struct origin file_origin(const struct file *f)
{
    return (struct origin){ORIGIN_FILE, f->mistakes->line};
}

/* Keys. */

/* Adds to a list of at most LIST_BYTES. */
__attribute__((format(printf, 2, 3))) static void
list_add(char *list, const char *format, ...)
{
    va_list arguments;
    size_t n = strlen(list);
    va_start(arguments, format);
    vsnprintf(list + n, LIST_BYTES - n, format, arguments);
    va_end(arguments);
}

static void file_reject_key(struct file *f, const char *key)
{
    char keys[LIST_BYTES] = "", elsewhere[LIST_BYTES] = "";
    for (const struct option *row = option_table; row->name; row++) {
        if (strcmp(row->section, f->name) == 0)
            list_add(keys, "%s%s", *keys ? ", " : "", option_key(row));
        if (option_may_be_called(row, key))
            list_add(elsewhere, "%s'%s' in [%s]", *elsewhere ? " or " : "",
                     option_key(row), row->section);
    }
    mistakes_add(f->mistakes, "'%s' is not a key of [%s]%s%s", key, f->name,
                 *elsewhere ? "; there is " : ", which are: ",
                 *elsewhere ? elsewhere : keys);
}

static void file_set_option(struct file *f, const char *key, const char *text)
{
    const struct option *row = option_find_key(f->name, key);
    if (!row) {
        file_reject_key(f, key);
        return;
    }
    unsigned *line = &f->lines[row - option_table];
    if (*line > 0 && row->most <= 1) {
        mistakes_add(f->mistakes, "%s: was set in line %u already", key, *line);
        return;
    }
    *line = f->mistakes->line;
    options_set(f->options, row, key, text, file_origin(f), f->mistakes);
}

/* Sections. */

static void file_open_channel(struct file *f, const char *pattern)
{
    struct rules *rules = &f->options->rules;
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule_values *rule = &rules->given[i];
        if (rule->origin.kind != ORIGIN_FILE ||
            strcmp(rule->pattern, pattern) != 0)
            continue;
        mistakes_add(f->mistakes, "[channel \"%s\"] begins in line %u already",
                     pattern, rule->origin.line);
        return;
    }
    if (rules_open(rules, pattern, file_origin(f), f->mistakes))
        f->section = SECTION_CHANNEL;
}

static void file_reject_section(struct file *f, const char *name)
{
    char names[LIST_BYTES] = "";
    for (const struct option *row = option_table; row->name; row++)
        if (option_find_key(row->section, NULL) == row)
            list_add(names, "%s[%s%s]", *names ? ", " : "", row->section,
                     option_is_rule(row) ? " \"PATTERN\"" : "");
    mistakes_add(f->mistakes, "[%s] is not a section, which are: %s", name,
                 names);
}

static void file_enter_section(struct file *f, char *name)
{
    const struct option *row = option_find_key(name, NULL);
    const char *pattern = ini_label(name, "channel");
    if (pattern) {
        file_open_channel(f, pattern);
    } else if (row && !option_is_rule(row)) {
        f->name = row->section;
        f->section = SECTION_OPTIONS;
    } else {
        file_reject_section(f, name);
    }
}

static void file_on_pair(void *arg, const char *key, char *value)
{
    struct file *f = arg;
    if (f->section == SECTION_NONE)
        mistakes_add(f->mistakes,
                     "%s: stands before the first section; begin with [broker]",
                     key);
    else if (f->section == SECTION_OPTIONS)
        file_set_option(f, key, value);
    else if (f->section == SECTION_CHANNEL)
        rules_set(&f->options->rules, key, value, f->mistakes);
}

static void file_on_section(void *arg, char *name)
{
    struct file *f = arg;
    f->section = SECTION_WRONG;
    if (name)
        file_enter_section(f, name);
}

bool file_read(const char *path, struct options *o, struct mistakes *m)
{
    struct file f = {.options = o, .mistakes = m};
    const struct ini_handler handler = {
        .on_section = file_on_section, .on_pair = file_on_pair, .arg = &f};
    return ini_read(path, &handler, m);
}
