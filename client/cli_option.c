/* SPDX-License-Identifier: MIT */
#include "client/cli_option.h"

#include "common/suggest.h"
#include "common/units.h"

#include <stdlib.h>
#include <string.h>

/* --- values -------------------------------------------------------------- */

/* Only the environment has a text for it. */
static bool cli_option_set_flag(const struct cli_option *row, const char *text,
                                void *target, struct sentence *why)
{
    bool is_no = text && strcmp(text, "no") == 0;
    *(bool *)target = !is_no;
    return !text || is_no || strcmp(text, "yes") == 0 ||
           sentence_fail(why, "$%s: '%.128s' is not yes or no",
                         row->environment, text);
}

static bool cli_option_set_text(const struct cli_option *row, const char *text,
                                void *target, struct sentence *why)
{
    (void)row;
    (void)why;
    *(const char **)target = text;
    return true;
}

static bool cli_option_add_text(const struct cli_option *row, const char *text,
                                void *target, struct sentence *why)
{
    struct cli_option_texts *out = target;
    if (out->count == CLI_OPTION_TEXTS_MAX)
        return sentence_fail(why, "--%s: at most %d are allowed", row->name,
                             CLI_OPTION_TEXTS_MAX);
    out->text[out->count++] = text;
    return true;
}

/* The number of the word, -1 when the option has no such word. */
static int cli_option_word(const struct cli_option *row, const char *text)
{
    size_t length = strlen(text);
    const char *word = row->argument;
    for (int i = 0; *word; i++) {
        size_t n = strcspn(word, "|");
        if (n == length && memcmp(word, text, n) == 0)
            return i;
        word += n + (word[n] == '|');
    }
    return -1;
}

static bool cli_option_set_choice(const struct cli_option *row,
                                  const char *text, void *target,
                                  struct sentence *why)
{
    int word = text ? cli_option_word(row, text) : 0;
    if (word >= 0)
        *(int *)target = word + (row->type == CLI_OPTION_MODE);
    return word >= 0 || sentence_fail(why, "--%s: '%.128s' is not one of %s",
                                      row->name, text, row->argument);
}

static bool cli_option_set_number(const struct cli_option *row,
                                  const char *text, void *target,
                                  struct sentence *why);

/* How a value of each type is set; for numbers also how they are written. */
static const struct {
    bool (*set)(const struct cli_option *row, const char *text, void *target,
                struct sentence *why);
    bool (*parse)(const char *text, uint64_t *value);
    void (*format)(uint64_t value, char out[UNITS_BYTES]);
    const char *form;
} cli_option_types[] = {
    [CLI_OPTION_FLAG] = {.set = cli_option_set_flag},
    [CLI_OPTION_TEXT] = {.set = cli_option_set_text},
    [CLI_OPTION_TEXTS] = {.set = cli_option_add_text},
    [CLI_OPTION_SIZE] = {cli_option_set_number, units_parse_size,
                         units_format_size, UNITS_SIZE_FORM},
    [CLI_OPTION_DURATION] = {cli_option_set_number, units_parse_duration_ms,
                             units_format_duration_ms, UNITS_DURATION_FORM},
    [CLI_OPTION_COUNT] = {cli_option_set_number, units_parse_count,
                          units_format_count, UNITS_COUNT_FORM},
    [CLI_OPTION_CHOICE] = {.set = cli_option_set_choice},
    [CLI_OPTION_MODE] = {.set = cli_option_set_choice},
};

static bool cli_option_out_of_range(const struct cli_option *row,
                                    const char *text, struct sentence *why)
{
    char min[UNITS_BYTES], max[UNITS_BYTES];
    cli_option_types[row->type].format(row->min, min);
    cli_option_types[row->type].format(row->max, max);
    return sentence_fail(why, "--%s: %.128s is out of range: %s %s%s%s",
                         row->name, text, row->max > 0 ? "from" : "at least",
                         min, row->max > 0 ? " to " : "",
                         row->max > 0 ? max : "");
}

static bool cli_option_set_number(const struct cli_option *row,
                                  const char *text, void *target,
                                  struct sentence *why)
{
    uint64_t value;
    if (!cli_option_types[row->type].parse(text, &value))
        return sentence_fail(why, "--%s: '%.128s' is not %s", row->name, text,
                             cli_option_types[row->type].form);
    if (value < row->min || (row->max > 0 && value > row->max))
        return cli_option_out_of_range(row, text, why);
    *(struct cli_option_number *)target =
        (struct cli_option_number){value, true};
    return true;
}

/* `text` is NULL for a flag, also for a mode without a word. */
static bool cli_option_set(const struct cli_option *row, const char *text,
                           void *values, struct sentence *why)
{
    return cli_option_types[row->type].set(row, text,
                                           (char *)values + row->offset, why);
}

/* --- the command line ---------------------------------------------------- */

static bool cli_option_set_defaults(const struct cli_option *table,
                                    void *values, struct sentence *why)
{
    for (const struct cli_option *row = table; row->name; row++) {
        const char *text = row->environment ? getenv(row->environment) : NULL;
        if (!text || *text == '\0')
            text = row->fallback;
        if (text && !cli_option_set(row, text, values, why))
            return false;
    }
    return true;
}

static const struct cli_option *cli_option_find(const struct cli_option *table,
                                                const char *name, size_t length)
{
    for (; table->name; table++)
        if (strlen(table->name) == length &&
            memcmp(table->name, name, length) == 0)
            return table;
    return NULL;
}

static bool cli_option_unknown(const struct cli_option *table,
                               const char *argument, struct sentence *why)
{
    char label[64];
    snprintf(label, sizeof label, "%.*s", (int)strcspn(argument, "="),
             argument);
    struct suggestion s = suggest_for(label + strspn(label, "-"));
    for (; table->name; table++)
        suggest_try(&s, table->name);
    suggest_try(&s, "help");
    if (!s.best)
        return sentence_fail(why, "unknown option '%s'", label);
    return sentence_fail(why, "unknown option '%s'; did you mean --%s?", label,
                         s.best);
}

/* The options that have a letter; it means the same in every command. */
static const struct {
    char letter;
    const char *name;
} cli_option_letters[] = {
    {'H', "header"}, {'n', "count"}, {'q', "quiet"}, {'v', "verbose"}};

/* 0 when the option has none. */
static char cli_option_letter(const char *name)
{
    size_t count = sizeof cli_option_letters / sizeof *cli_option_letters;
    for (size_t i = 0; i < count; i++)
        if (strcmp(cli_option_letters[i].name, name) == 0)
            return cli_option_letters[i].letter;
    return 0;
}

/* The row that the argument names, by its name or its letter; NULL if none. */
static const struct cli_option *cli_option_named(const struct cli_option *table,
                                                 const char *argument)
{
    if (strncmp(argument, "--", 2) == 0 && argument[2] != '-')
        return cli_option_find(table, argument + 2, strcspn(argument + 2, "="));
    for (; table->name; table++)
        if (argument[1] == cli_option_letter(table->name) &&
            argument[2] == '\0')
            return table;
    return NULL;
}

/* What an option without "=value" is set to; NULL: to nothing. *at moves to the
 * argument that it is. */
static bool cli_option_next(const struct cli_option *row, int argc, char **argv,
                            int *at, const char **text, struct sentence *why)
{
    const char *next = *at + 1 < argc ? argv[*at + 1] : NULL;
    const char *form = cli_option_types[row->type].form;
    bool is_bare = row->type == CLI_OPTION_MODE &&
                   (!next || cli_option_word(row, next) < 0);
    if (row->type == CLI_OPTION_FLAG || is_bare)
        return true;
    if (!next)
        return sentence_fail(why, "--%s needs a value: %s", row->name,
                             form ? form : row->argument);
    *text = argv[++*at];
    return true;
}

/* argv[*at] begins with a dash; its value may be the next one. */
static bool cli_option_take(const struct cli_option *table, void *values,
                            int argc, char **argv, int *at,
                            struct sentence *why)
{
    const char *argument = argv[*at];
    const char *name = argument + strspn(argument, "-");
    size_t length = strcspn(name, "=");
    const struct cli_option *row = cli_option_named(table, argument);
    if (!row)
        return cli_option_unknown(table, argument, why);
    const char *text = name[length] == '=' ? name + length + 1 : NULL;
    if (row->type == CLI_OPTION_FLAG && text)
        return sentence_fail(why, "--%s takes no value", row->name);
    if (!text && !cli_option_next(row, argc, argv, at, &text, why))
        return false;
    return cli_option_set(row, text, values, why);
}

static bool cli_option_is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

enum cli_option_result cli_option_parse(const struct cli_option *table,
                                        void *values, int *argc, char **argv,
                                        struct sentence *why)
{
    int kept = 1;
    bool is_over = false;
    if (!cli_option_set_defaults(table, values, why))
        return CLI_OPTION_WRONG;
    for (int i = 1; i < *argc; i++) {
        if (is_over || argv[i][0] != '-' || argv[i][1] == '\0')
            argv[kept++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            is_over = true;
        else if (cli_option_is_help(argv[i]))
            return CLI_OPTION_HELP;
        else if (!cli_option_take(table, values, *argc, argv, &i, why))
            return CLI_OPTION_WRONG;
    }
    *argc = kept;
    return CLI_OPTION_DONE;
}

/* --- help ---------------------------------------------------------------- */

static void cli_option_print_default(const struct cli_option *row, FILE *out)
{
    if (row->environment && row->fallback)
        fprintf(out, "  (default $%s or %s)", row->environment, row->fallback);
    else if (row->environment)
        fprintf(out, "  (default $%s)", row->environment);
    else if (row->fallback)
        fprintf(out, "  (default %s)", row->fallback);
}

void cli_option_print_help(const struct cli_option *table, FILE *out)
{
    for (const struct cli_option *row = table; row->name; row++) {
        char letter = cli_option_letter(row->name);
        if (letter)
            fprintf(out, "  -%c, --%s", letter, row->name);
        else
            fprintf(out, "  --%s", row->name);
        if (row->type == CLI_OPTION_MODE)
            fprintf(out, " [%s]", row->argument);
        else if (row->argument)
            fprintf(out, " %s", row->argument);
        cli_option_print_default(row, out);
        fprintf(out, "\n      %s\n", row->help);
    }
    fputs("  --help\n      show this\n", out);
}
