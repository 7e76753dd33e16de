/* SPDX-License-Identifier: MIT */
#include "broker/options/help.h"

#include <stdlib.h>
#include <string.h>

#include "broker/options/environment.h"
#include "broker/options/options.h"

/* --help */

static void help_option(FILE *out, const struct option *row)
{
    char left[40];
    snprintf(left, sizeof left, "--%s %s", row->name, row->kind->placeholder);
    fprintf(out, "  %-24s %s", left, row->sentence);
    if (row->initial)
        fprintf(out, " [%s]", row->initial);
    fputc('\n', out);
}

static void help_rule_key(FILE *out, const char *name, const struct kind *kind,
                          const char *sentence)
{
    char left[40];
    snprintf(left, sizeof left, "%s=%s", name, kind->placeholder);
    fprintf(out, "  %-24s %s\n", left, sentence);
}

void help_print(FILE *out)
{
    fputs("usage: sluiced [-c FILE] [--listen ADDR]... [options]\n\n"
          "A message broker: topics that fan out, queues that share work.\n"
          "Runs in the foreground and logs to stderr.\n\n",
          out);
    for (size_t i = 0; i < option_table_size; i++)
        help_option(out, &option_table[i]);
    fputs("  -c, --config FILE        read options from a file as well\n"
          "  --check                  print what it would run with, and exit\n"
          "  --manual                 the reference of all options\n"
          "  --help                   this text\n"
          "  --version                the version\n\n"
          "RULE: 'PATTERN option=value ...', the first that matches holds; in "
          "a pattern\n"
          "'*' stands for one segment and '**', at the end, for the rest:\n",
          out);
    rules_each_key(help_rule_key, out);
    fputs("\nADDR: host:port, [v6]:port or unix:PATH. Sizes: 4096, 64k, 16m, "
          "1g.\n"
          "Times: 250ms, 5s, 2m, or in seconds.\n"
          "Every option can be given as SLUICE_NAME in the environment, too.\n"
          "SIGTERM or SIGINT: deliver what was accepted, then stop; again: "
          "stop now.\n"
          "SIGHUP: read all options again.\n"
          "SIGUSR1: log all counters.\n",
          out);
}

/* --manual */

/* A range says more than the form that all of a kind have. */
static void reference_value(FILE *out, const struct kind *kind, uint64_t min,
                            uint64_t max)
{
    char range[KIND_RANGE_BYTES];
    if (kind->format && max != UINT64_MAX) {
        kind_range(kind, min, max, range);
        fprintf(out, "%s %s", kind->placeholder, range);
    } else {
        fputs(kind->form, out);
    }
}

static void reference_option(FILE *out, const struct option *row)
{
    char variable[ENVIRONMENT_NAME_BYTES];
    environment_name(row, variable);
    fprintf(out, "| `--%s` | ", row->name);
    if (row->initial)
        fprintf(out, "`%s` ", row->initial);
    fputs("| ", out);
    reference_value(out, row->kind, row->min, row->max);
    fprintf(out, " | %s | `[%s] %s` | `%s` | %s", row->is_fixed ? "no" : "yes",
            row->section, option_key(row), variable, row->sentence);
    if (row->detail)
        fprintf(out, "; %s", row->detail);
    fputs(" |\n", out);
}

static void reference_section(FILE *out, const char *section)
{
    fprintf(out,
            "\n## Section `[%s]`\n\n"
            "| option | default | what it takes | reload | in the file "
            "| in the environment | meaning |\n"
            "|---|---|---|---|---|---|---|\n",
            section);
    for (size_t i = 0; i < option_table_size; i++)
        if (strcmp(option_table[i].section, section) == 0)
            reference_option(out, &option_table[i]);
}

static void reference_rule_key(FILE *out, const char *name,
                               const struct kind *kind, const char *sentence)
{
    fprintf(out, "| `%s` | %s | %s |\n", name, kind->form, sentence);
}
static const char reference_head[] =
    "# Options of sluiced\n\n"
    "This page is written by `sluiced --manual` out of the table in\n"
    "`broker/options/option_table.c`; a test compares them.\n\n"
    "An option can be given in three ways, of which the first beats the "
    "others:\n\n"
    "1. on the command line, as `--max-frame 16m` or `--max-frame=16m`;\n"
    "2. in the environment, as `SLUICE_MAX_FRAME=16m`. Where an option may be\n"
    "   repeated, its values are separated by semicolons;\n"
    "3. in the file that `-c FILE`, `--config FILE` or `SLUICE_CONFIG` names, "
    "by a\n"
    "   section and a key, which is not always the option's name: `--http` is\n"
    "   `listen` in `[http]`. The tables tell all three.\n\n"
    "`--check` prints what sluiced would run with, and where each value comes\n"
    "from, and exits: with 2 when something is wrong. It names variables "
    "that look\n"
    "like options and are none; otherwise they are ignored. `--help`, "
    "`--version`\n"
    "and `--manual` print and exit, too.\n\n"
    "Sizes are bytes, or written `64k`, `16m`, `1g` (powers of 1024); "
    "durations\n"
    "are seconds, or written `250ms`, `5s`, `2m`, `1h`.\n\n"
    "## The file\n\n"
    "    [broker]\n"
    "    listen = 127.0.0.1:25000\n"
    "    listen = unix:/run/sluice/sluice.sock\n"
    "    memory = 512m          ; a comment\n\n"
    "    [channel \"/queue/jobs\"]\n"
    "    limit = 256m\n"
    "    messages = 100000\n\n"
    "A comment begins a line with `#` or `;`, or follows a value with ` ;`. A "
    "line\n"
    "has 190 bytes at most, and the last one ends like the others: a file that "
    "is\n"
    "cut off is not believed. A key is given once, but for those that may be\n"
    "repeated. All mistakes are told at once, with file, line and key.\n\n"
    "On `SIGHUP` everything is read again; see\n"
    "[reloading](operations.md#reloading). The column \"reload\" tells what "
    "can\n"
    "change that way.\n";

static const char reference_channels[] =
    "\n## Channels\n\n"
    "    [channel \"/topic/ticks/*\"]\n"
    "    policy = drop-oldest\n"
    "    messages = 100\n"
    "\n"
    "or `--channel '/topic/ticks/* policy=drop-oldest messages=100'`, or the "
    "same\n"
    "in `SLUICE_CHANNEL`: what holds for the channels whose names match a "
    "pattern.\n"
    "In a pattern `*` stands for one segment between slashes, and `**`, at the "
    "end,\n"
    "for the rest. The first that matches holds; those of the command line "
    "come\n"
    "first, then those of the environment, then those of the file. What is "
    "not said\n"
    "is as the broker's own options say. What the policies do is told in\n"
    "[operations](operations.md#channels).\n"
    "\n"
    "| key | what it takes | meaning |\n|---|---|---|\n";

void help_reference(FILE *out)
{
    fputs(reference_head, out);
    for (size_t i = 0; i < option_table_size; i++) {
        const struct option *row = &option_table[i];
        if (row->shape != OPTION_RULES && option_opens_section(row))
            reference_section(out, row->section);
    }
    fputs(reference_channels, out);
    rules_each_key(reference_rule_key, out);
}

/* --check */

static void values_origin(FILE *out, struct origin origin, const char *config,
                          const char *variable)
{
    static const char *const names[] = {
        [ORIGIN_DEFAULT] = "default", [ORIGIN_ARGUMENT] = "command line"};
    fputs(" ; ", out);
    if (origin.kind == ORIGIN_FILE)
        fprintf(out, "%s:%u\n", config, origin.line);
    else if (origin.kind == ORIGIN_ENVIRONMENT)
        fprintf(out, "%s\n", variable);
    else
        fprintf(out, "%s\n", names[origin.kind]);
}

/* One line, or one for each value of a list; nothing to say is a comment. */
static void values_option(FILE *out, const struct options *o,
                          const struct option *row, const char *config)
{
    char variable[ENVIRONMENT_NAME_BYTES], *rest;
    char *text = options_text(o, row, "\n");
    environment_name(row, variable);
    char *part = text ? strtok_r(text, "\n", &rest) : NULL;
    if (!part)
        fprintf(out, "; %s =\n", option_key(row));
    for (; part; part = strtok_r(NULL, "\n", &rest)) {
        fprintf(out, "%s = %s", option_key(row), part);
        values_origin(out, o->origins[option_index(row)], config, variable);
    }
    free(text);
}

static void values_rules(FILE *out, const struct rules *rules,
                         const char *config)
{
    for (size_t i = 0; i < rules_given(rules); i++) {
        fprintf(out, "\n[channel \"%s\"]", rules->patterns[i]);
        values_origin(out, rules->values[i].origin, config, "SLUICE_CHANNEL");
        rules_write(rules, i, "", " = ", "\n", out);
    }
}

/* What would be another than was wished. */
static void values_lowered(FILE *out, const struct options *o)
{
    char possible[KIND_NUMBER_BYTES];
    if (options_max_frame(o) == o->max_frame)
        return;
    kind_size.format(options_max_frame(o), possible);
    fprintf(out, "\n; max-frame is lowered to %s, half of the memory\n",
            possible);
}

void help_values(const struct options *o, const char *config, FILE *out)
{
    const char *section = "";
    for (size_t i = 0; i < option_table_size; i++) {
        const struct option *row = &option_table[i];
        if (row->shape == OPTION_RULES)
            continue;
        if (strcmp(section, row->section) != 0) {
            section = row->section;
            fprintf(out, "%s[%s]\n", i > 0 ? "\n" : "", section);
        }
        values_option(out, o, row, config);
    }
    values_rules(out, &o->rules, config);
    values_lowered(out, o);
    environment_tell_unknown(out);
}
