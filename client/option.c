/* SPDX-License-Identifier: MIT */
#include "client/option.h"

#include "common/suggest.h"
#include "common/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* How each type of number is read, and what a refused one is told. */
static const struct {
    bool (*parse)(const char *text, uint64_t *value);
    const char *form;
    const char *unit; /* of the bounds in a sentence */
} option_numbers[] = {
    [OPTION_SIZE] = {units_parse_size, UNITS_SIZE_FORM, " bytes"},
    [OPTION_DURATION] = {units_parse_duration_ms, UNITS_DURATION_FORM, " ms"},
    [OPTION_COUNT] = {units_parse_count, UNITS_COUNT_FORM, ""},
};

static bool option_wrong_number(const struct option *row, const char *text,
                                char *sentence)
{
    char bounds[96] = "";
    const char *unit = option_numbers[row->type].unit;
    if (row->max > 0)
        snprintf(bounds, sizeof bounds, ", %" PRIu64 " to %" PRIu64 "%s",
                 row->min, row->max, unit);
    else if (row->min > 0)
        snprintf(bounds, sizeof bounds, ", at least %" PRIu64 "%s", row->min,
                 unit);
    snprintf(sentence, OPTION_SENTENCE_BYTES, "--%s takes %s%s, not '%.128s'",
             row->name, option_numbers[row->type].form, bounds, text);
    return false;
}

static bool option_set_number(const struct option *row, const char *text,
                              struct option_number *out, char *sentence)
{
    uint64_t value;
    if (!option_numbers[row->type].parse(text, &value) || value < row->min ||
        (row->max > 0 && value > row->max))
        return option_wrong_number(row, text, sentence);
    *out = (struct option_number){value, true};
    return true;
}

static bool option_set_choice(const struct option *row, const char *text,
                              int *out, char *sentence)
{
    size_t length = strlen(text);
    int which = 0;
    for (const char *word = row->argument;; which++) {
        size_t word_length = strcspn(word, "|");
        if (length == word_length && memcmp(word, text, length) == 0) {
            *out = which;
            return true;
        }
        if (word[word_length] == '\0')
            break;
        word += word_length + 1;
    }
    snprintf(sentence, OPTION_SENTENCE_BYTES, "--%s takes %s, not '%.128s'",
             row->name, row->argument, text);
    return false;
}

static bool option_add_text(const struct option *row, const char *text,
                            struct option_texts *out, char *sentence)
{
    if (out->count == OPTION_TEXTS_MAX) {
        snprintf(sentence, OPTION_SENTENCE_BYTES,
                 "--%s can be given %d times, not more", row->name,
                 OPTION_TEXTS_MAX);
        return false;
    }
    out->text[out->count++] = text;
    return true;
}

/* `text` is NULL for a flag. */
static bool option_set(const struct option *row, const char *text, void *values,
                       char *sentence)
{
    void *target = (char *)values + row->offset;
    if (row->type == OPTION_FLAG)
        *(bool *)target = true;
    else if (row->type == OPTION_TEXT)
        *(const char **)target = text;
    else if (row->type == OPTION_TEXTS)
        return option_add_text(row, text, target, sentence);
    else if (row->type == OPTION_CHOICE)
        return option_set_choice(row, text, target, sentence);
    else
        return option_set_number(row, text, target, sentence);
    return true;
}

static bool option_set_defaults(const struct option *table, void *values,
                                char *sentence)
{
    for (const struct option *row = table; row->name; row++) {
        const char *text = row->environment ? getenv(row->environment) : NULL;
        if (!text || *text == '\0')
            text = row->fallback;
        if (text && !option_set(row, text, values, sentence))
            return false;
    }
    return true;
}

static const struct option *option_find(const struct option *table,
                                        const char *name, size_t length)
{
    for (; table->name; table++)
        if (strlen(table->name) == length &&
            memcmp(table->name, name, length) == 0)
            return table;
    return NULL;
}

static bool option_unknown(const struct option *table, const char *argument,
                           char *sentence)
{
    struct suggestion suggestion = suggest_for(argument);
    suggest_try(&suggestion, "--help");
    char names[32][32];
    for (size_t i = 0; i < 32 && table[i].name; i++) {
        snprintf(names[i], sizeof names[i], "--%.28s", table[i].name);
        suggest_try(&suggestion, names[i]);
    }
    snprintf(sentence, OPTION_SENTENCE_BYTES, "unknown option %.128s%s%s%s",
             argument, suggestion.best ? "; did you mean " : "",
             suggestion.best ? suggestion.best : "",
             suggestion.best ? "?" : "");
    return false;
}

/* argv[*at] begins with a dash; its value may be the next one. */
static bool option_take(const struct option *table, void *values, int argc,
                        char **argv, int *at, char *sentence)
{
    const char *argument = argv[*at];
    const char *name = argument + strspn(argument, "-");
    size_t length = strcspn(name, "=");
    const struct option *row = option_find(table, name, length);
    if (!row || strncmp(argument, "--", 2) != 0 || name != argument + 2)
        return option_unknown(table, argument, sentence);
    const char *text = name[length] == '=' ? name + length + 1 : NULL;
    if (row->type == OPTION_FLAG && text) {
        snprintf(sentence, OPTION_SENTENCE_BYTES,
                 "--%s takes no value, not '%.128s'", row->name, text);
        return false;
    }
    if (row->type != OPTION_FLAG && !text) {
        if (*at + 1 >= argc) {
            snprintf(sentence, OPTION_SENTENCE_BYTES,
                     "--%s needs a value: --%s %s", row->name, row->name,
                     row->argument);
            return false;
        }
        text = argv[++*at];
    }
    return option_set(row, text, values, sentence);
}

static bool option_is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

enum option_result option_parse(const struct option *table, void *values,
                                int *argc, char **argv,
                                char sentence[OPTION_SENTENCE_BYTES])
{
    int kept = 1;
    bool is_over = false;
    if (!option_set_defaults(table, values, sentence))
        return OPTION_WRONG;
    for (int i = 1; i < *argc; i++) {
        if (is_over || argv[i][0] != '-' || argv[i][1] == '\0')
            argv[kept++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            is_over = true;
        else if (option_is_help(argv[i]))
            return OPTION_HELP;
        else if (!option_take(table, values, *argc, argv, &i, sentence))
            return OPTION_WRONG;
    }
    *argc = kept;
    return OPTION_DONE;
}

static void option_print_default(const struct option *row, FILE *out)
{
    if (row->environment)
        fprintf(out, "  (default $%s or %s)", row->environment, row->fallback);
    else if (row->fallback)
        fprintf(out, "  (default %s)", row->fallback);
}

void option_print_help(const struct option *table, FILE *out)
{
    for (const struct option *row = table; row->name; row++) {
        fprintf(out, "  --%s%s%s", row->name, row->argument ? " " : "",
                row->argument ? row->argument : "");
        option_print_default(row, out);
        fprintf(out, "\n      %s\n", row->help);
    }
    fputs("  --help\n      show this\n", out);
}
