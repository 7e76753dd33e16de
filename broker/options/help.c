/* SPDX-License-Identifier: MIT */
#include "broker/options/help.h"

#include <string.h>

#include "broker/options/door.h"
#include "broker/options/environment.h"
#include "broker/options/journal_options.h"
#include "broker/options/option_table.h"
#include "broker/options/options.h"

/* --help */

/* clang-format off */
static const char help_head[] =
    "usage: sluiced [-c FILE] [--listen ADDR]... [options]\n"
    "\n"
    "A message broker: topics that fan out, queues that share work.\n"
    "Runs in the foreground and logs to stderr.\n"
    "\n";

static const char help_rules[] =
    "  -c, --config FILE          read options from a file as well\n"
    "  --check                    print the options it would run with, and exit\n"
    "  --manual                   the reference of all options\n"
    "  --help                     this text\n"
    "  --version                  the version\n"
    "\n"
    "RULE: 'PATTERN key=value ...', the first that matches applies; in a pattern\n"
    "'*' stands for one segment and '**', at the end, for the rest:\n";

static const char help_tail[] =
    "\n"
    "ADDR: host:port, [v6]:port or unix:PATH; behind that of --listen, in one\n"
    "argument: tls=none|allowed|required auth=none|required v1=yes|no.\n"
    "Sizes: 4096, 64k, 16m, 1g.\n"
    "Times: 250ms, 5s, 2m, or in seconds.\n"
    "Every option can also be given as SLUICE_NAME in the environment.\n"
    "SIGTERM or SIGINT: deliver what was accepted, then stop; again: stop now.\n"
    "SIGHUP: read all options again.\n"
    "SIGUSR1: log all counters.\n";
/* clang-format on */

static void help_option(FILE *out, const struct option *row)
{
    char left[40];
    snprintf(left, sizeof left, "--%s %s", row->name, row->kind->placeholder);
    fprintf(out, "  %-26s %s", left, row->sentence);
    if (row->initial)
        fprintf(out, " [%s]", row->initial);
    fputc('\n', out);
}

static void help_rule_key(FILE *out, const char *name, const struct kind *kind,
                          const char *sentence)
{
    char left[40];
    snprintf(left, sizeof left, "%s=%s", name, kind->placeholder);
    fprintf(out, "  %-26s %s\n", left, sentence);
}

void help_print(FILE *out)
{
    fputs(help_head, out);
    for (const struct option *row = option_table; row->name; row++)
        help_option(out, row);
    fputs(help_rules, out);
    rules_each_key(help_rule_key, out);
    fputs(help_tail, out);
}

/* --manual */

/* clang-format off */
static const char reference_head[] =
    "# Options of sluiced\n"
    "\n"
    "This page is written by `sluiced --manual` out of the table in\n"
    "`broker/options/option_table.c`; a test compares them.\n"
    "\n"
    "An option can be given in three ways, of which the first beats the others:\n"
    "\n"
    "1. on the command line, as `--max-frame 16m` or `--max-frame=16m`;\n"
    "2. in the environment, as `SLUICE_MAX_FRAME=16m`. Where an option may be\n"
    "   repeated, its values are separated by semicolons;\n"
    "3. in the file that `-c FILE`, `--config FILE` or `SLUICE_CONFIG` names, by a\n"
    "   section and a key, which is not always the option's name: `--http` is\n"
    "   `listen` in `[http]`. The tables list all three.\n"
    "\n"
    "`--check` prints what sluiced would run with, and where each value comes\n"
    "from, and exits: with 2 when something is wrong. It names variables that look\n"
    "like options and are not; otherwise they are ignored. `--help`, `--version`\n"
    "and `--manual` also print and exit.\n"
    "\n"
    "Sizes are bytes, or written `64k`, `16m`, `1g` (powers of 1024); durations\n"
    "are seconds, or written `250ms`, `5s`, `2m`, `1h`.\n"
    "\n"
    "## The file\n"
    "\n"
    "    [broker]\n"
    "    listen = 127.0.0.1:25000\n"
    "    listen = unix:/run/sluice/sluice.sock\n"
    "    memory = 512m          ; a comment\n"
    "\n"
    "    [channel \"/queue/jobs\"]\n"
    "    limit = 256m\n"
    "    messages = 100000\n"
    "\n"
    "A comment begins a line with `#` or `;`, or follows a value with ` ;`. A line\n"
    "has 64 KiB at most, and the last one must end like the others: a file that\n"
    "was cut off is refused. A key is given once, unless it may be repeated. All\n"
    "mistakes are reported together, with file, line and key.\n"
    "\n"
    "On `SIGHUP` everything is read again; see\n"
    "[reloading](operations.md#reloading). The column \"reload\" shows what can\n"
    "change that way.\n";

static const char reference_columns[] =
    "| option | default | what it takes | reload | in the file "
    "| in the environment | meaning |\n"
    "|---|---|---|---|---|---|---|\n";

static const char reference_channels[] =
    "\n"
    "## Channels\n"
    "\n"
    "    [channel \"/topic/ticks/*\"]\n"
    "    policy = drop-oldest\n"
    "    messages = 100\n"
    "\n"
    "or `--channel '/topic/ticks/* policy=drop-oldest messages=100'`, or the same\n"
    "in `SLUICE_CHANNEL`, sets bounds for the channels whose names match the pattern.\n"
    "In a pattern `*` stands for one segment between slashes, and `**`, at the end,\n"
    "for the rest. The first rule that matches applies: those of the command line\n"
    "come first, then those of the environment, then those of the file. A key that\n"
    "is not given is as the broker's own options say. The policies are explained in\n"
    "[operations](operations.md#channels).\n"
    "\n"
    "| key | what it takes | meaning |\n"
    "|---|---|---|\n";
/* clang-format on */

/* A range says more than the form that all options of a kind share. */
static void reference_form(FILE *out, const struct option *row)
{
    char range[KIND_RANGE_BYTES];
    if (row->max == 0) {
        fputs(row->kind->form, out);
        return;
    }
    kind_range(row->kind, row->min, row->max, range);
    fprintf(out, "%s %s", row->kind->placeholder, range);
}

static void reference_option(FILE *out, const struct option *row)
{
    char variable[ENVIRONMENT_NAME_BYTES];
    environment_name(row, variable);
    fprintf(out, "| `--%s` | ", row->name);
    if (row->initial)
        fprintf(out, "`%s` ", row->initial);
    fputs("| ", out);
    reference_form(out, row);
    fprintf(out, " | %s | `[%s] %s` | `%s` | %s", row->is_fixed ? "no" : "yes",
            row->section, option_key(row), variable, row->sentence);
    if (row->detail)
        fprintf(out, "; %s", row->detail);
    fputs(" |\n", out);
}

static void reference_rule_key(FILE *out, const char *name,
                               const struct kind *kind, const char *sentence)
{
    fprintf(out, "| `%s` | %s | %s |\n", name, kind->form, sentence);
}

void help_reference(FILE *out)
{
    const char *section = "";
    fputs(reference_head, out);
    for (const struct option *row = option_table; row->name; row++) {
        if (option_is_rule(row)) {
            fputs(reference_channels, out);
            continue;
        }
        if (strcmp(row->section, section) != 0)
            fprintf(out, "\n## Section `[%s]`\n\n%s", row->section,
                    reference_columns);
        section = row->section;
        reference_option(out, row);
    }
    rules_each_key(reference_rule_key, out);
}

/* --check */

static void values_origin(FILE *out, struct origin origin, const char *config,
                          const struct option *row)
{
    char variable[ENVIRONMENT_NAME_BYTES];
    environment_name(row, variable);
    if (origin.kind == ORIGIN_FILE)
        fprintf(out, " ; %s:%u\n", config, origin.line);
    else if (origin.kind == ORIGIN_ENVIRONMENT)
        fprintf(out, " ; %s\n", variable);
    else
        fprintf(out, " ; %s\n",
                origin.kind == ORIGIN_DEFAULT ? "default" : "command line");
}

/* One line for each value; an option without a value is a comment. */
static void values_option(FILE *out, const struct options *o,
                          const struct option *row, const char *config)
{
    size_t count = options_count(o, row);
    if (count == 0)
        fprintf(out, "; %s =\n", option_key(row));
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s = ", option_key(row));
        options_write(o, row, i, out);
        values_origin(out, options_origin(o, row), config, row);
    }
}

static void values_rules(FILE *out, const struct rules *rules,
                         const struct option *row, const char *config)
{
    for (size_t i = 0; i < rules->count; i++) {
        fprintf(out, "\n[channel \"%s\"]", rules->given[i].pattern);
        values_origin(out, rules->given[i].origin, config, row);
        rules_write_keys(rules, i, "", " = ", "\n", out);
    }
}

/* Values that will be lowered. */
static void values_lowered(FILE *out, const struct options *o)
{
    char possible[KIND_NUMBER_BYTES];
    if (options_max_frame(o) == o->max_frame.number)
        return;
    kind_write(&kind_size, options_max_frame(o), possible);
    fprintf(out, "\n; max-frame is lowered to %s, half of the memory\n",
            possible);
}

void help_values(const struct options *o, const char *config, FILE *out)
{
    const char *section = "";
    for (const struct option *row = option_table; row->name; row++) {
        if (option_is_rule(row)) {
            values_rules(out, &o->rules, row, config);
            continue;
        }
        if (strcmp(section, row->section) != 0)
            fprintf(out, "%s[%s]\n", *section ? "\n" : "", row->section);
        section = row->section;
        values_option(out, o, row, config);
    }
    values_lowered(out, o);
    fputc('\n', out);
    door_write_all(o, out);
    journal_options_write_comments(o, out);
    environment_write_unknown(out);
}
