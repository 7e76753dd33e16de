/* SPDX-License-Identifier: MIT */
#include "broker/options.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "broker/core/policy.h"
#include "broker/option_kind.h"
#include "proto/channel_name.h"

static bool complain(const char *error)
{
    fprintf(stderr, "sluiced: %s\n", error);
    return false;
}

/* An option has one value, read by its kind into a field, or may be repeated,
 * and is then added. */
struct option_row {
    const char *name;
    const struct option_kind *kind; /* NULL when it is added */
    size_t offset;                  /* of a uint64_t in struct options */
    const char *initial;
    uint64_t min, max;
    const char *range; /* in words, for errors */
    const char *sentence;
    bool (*add)(struct options *o, const char *text);
    const char *placeholder, *form; /* of what is added */
};

static bool add_listen(struct options *o, const char *text)
{
    if (o->listen_count == OPTIONS_LISTEN_MAX)
        return complain("--listen: 16 addresses are the most");
    o->listen[o->listen_count++] = text;
    return true;
}

static bool add_rule(struct options *o, const char *text)
{
    char error[OPTION_ERROR_BYTES], sentence[OPTION_ERROR_BYTES + 16];
    if (rules_add(&o->rules, text, error))
        return true;
    snprintf(sentence, sizeof sentence, "--channel: %s", error);
    return complain(sentence);
}

#define FIELD(f) offsetof(struct options, f)
#define DAY_MS   (24 * 3600 * 1000u)

/* The sizes, times and numbers. */
#define SIZE(name, field, initial, min, max, range, sentence)                  \
    {                                                                          \
        name, &option_kind_size, FIELD(field), initial, min, max, range,       \
            sentence, NULL, NULL, NULL                                         \
    }
#define TIME(name, field, initial, min, range, sentence)                       \
    {                                                                          \
        name, &option_kind_duration, FIELD(field), initial, min, DAY_MS,       \
            range, sentence, NULL, NULL, NULL                                  \
    }

static const struct option_row rows[] = {
    {"listen", NULL, 0, SLUICE_DEFAULT_ADDRESS, 0, 0, "",
     "where; may be repeated", add_listen, "ADDR",
     "host:port, [v6]:port or unix:PATH"},
    SIZE("memory", memory, "256m", 4u << 20, 1ull << 40, "from 4m to 1024g",
         "for all that clients cause"),
    SIZE("max-frame", max_frame, "16m", 1, 1u << 30, "from 1 to 1g",
         "longest message"),
    SIZE("client-limit", client_limit, "8m", 1024, 1ull << 40,
         "from 1k to 1024g", "unsent output of one topic subscriber"),
    TIME("patience", patience, "1s", 0, "from 0 to 24h",
         "how long publishers wait for a full subscriber"),
    SIZE("prefetch", prefetch, "64k", 1, 1u << 30, "from 1 to 1g",
         "what one consumer holds of a queue in advance"),
    SIZE("queue-limit", queue_limit, "64m", 1024, 1ull << 40,
         "from 1k to 1024g", "what one queue holds at most"),
    {"channel", NULL, 0, NULL, 0, 0, "",
     "bounds for some channels; may be repeated", add_rule, "RULE",
     "'PATTERN option=value ...'"},
    {"max-connections", &option_kind_count, FIELD(max_connections), "0", 0,
     1u << 20, "from 0 to 1048576",
     "open connections; 0: as many as files allow", NULL, NULL, NULL},
    TIME("hello-timeout", hello_timeout, "5s", 1, "from 1ms to 24h",
         "silence before the first frame"),
    TIME("frame-timeout", frame_timeout, "10s", 1, "from 1ms to 24h",
         "a started frame without progress"),
    TIME("drain-timeout", drain_timeout, "5s", 0, "from 0 to 24h",
         "to deliver what was accepted, when stopping"),
    {"log-level", &option_kind_level, FIELD(log_level), "info", 0, UINT32_MAX,
     "", "error, warning, info or debug", NULL, NULL, NULL},
};

enum { ROWS = sizeof rows / sizeof *rows };

static bool option_set(struct options *o, const struct option_row *row,
                       const char *text)
{
    char name[40], error[OPTION_ERROR_BYTES];
    uint64_t *value = (uint64_t *)(void *)((char *)o + row->offset);
    if (row->add)
        return row->add(o, text);
    snprintf(name, sizeof name, "--%s", row->name);
    return option_kind_read(row->kind, name, text, row->min, row->max,
                            row->range, value, error) ||
           complain(error);
}

static void option_help(FILE *out, const struct option_row *row)
{
    char left[40];
    snprintf(left, sizeof left, "--%s %s", row->name,
             row->kind ? row->kind->placeholder : row->placeholder);
    fprintf(out, "  %-24s %s", left, row->sentence);
    if (row->initial)
        fprintf(out, " [%s]", row->initial);
    fputc('\n', out);
}

void options_help(FILE *out)
{
    fputs("usage: sluiced [--listen ADDR]... [options]\n\n"
          "A message broker: topics that fan out, queues that share work.\n"
          "Runs in the foreground and logs to stderr.\n\n",
          out);
    for (size_t i = 0; i < ROWS; i++)
        option_help(out, &rows[i]);
    fputs("  --help                   this text\n"
          "  --version                the version\n\n"
          "RULE: 'PATTERN option=value ...', the first that matches holds; in "
          "a pattern\n"
          "'*' stands for one segment and '**', at the end, for the rest:\n",
          out);
    rules_help(out);
    fputs("\nADDR: host:port, [v6]:port or unix:PATH. Sizes: 4096, 64k, 16m, "
          "1g.\n"
          "Times: 250ms, 5s, 2m, or in seconds.\n"
          "SIGTERM or SIGINT: deliver what was accepted, then stop; again: "
          "stop now.\n"
          "SIGUSR1: log all counters.\n",
          out);
}

static const struct option_row *find_row(const char *name, size_t length)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strlen(rows[i].name) == length &&
            memcmp(rows[i].name, name, length) == 0)
            return &rows[i];
    return NULL;
}

/* One `--name=value` or `--name value`; *i moves on over what it took. */
static bool take_option(struct options *o, int argc, char **argv, int *i)
{
    const char *arg = argv[*i];
    char error[OPTION_ERROR_BYTES];
    if (strncmp(arg, "--", 2) != 0 || arg[2] == '\0') {
        snprintf(error, sizeof error,
                 "unexpected argument '%s'; see sluiced --help", arg);
        return complain(error);
    }
    const char *name = arg + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct option_row *row = find_row(name, length);
    if (!row) {
        snprintf(error, sizeof error,
                 "unknown option '--%.*s'; see sluiced --help", (int)length,
                 name);
        return complain(error);
    }
    const char *value = equals ? equals + 1 : NULL;
    if (!value && *i + 1 < argc)
        value = argv[++*i];
    if (!value) {
        snprintf(error, sizeof error, "--%s wants a value: %s", row->name,
                 row->kind ? row->kind->form : row->form);
        return complain(error);
    }
    return option_set(o, row, value);
}

static void set_defaults(struct options *o)
{
    for (size_t i = 0; i < ROWS; i++) {
        bool is_set = rows[i].add || option_set(o, &rows[i], rows[i].initial);
        assert(is_set);
        (void)is_set;
    }
}

/* What is said of some channels is completed by what is said of all. */
static void finish(struct options *o)
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
    if (o->listen_count == 0)
        o->listen[o->listen_count++] = SLUICE_DEFAULT_ADDRESS;
}

enum options_result options_parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.listen_count = 0};
    rules_init(&o->rules);
    set_defaults(o);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            options_help(stdout);
            return OPTIONS_DONE;
        }
        if (strcmp(argv[i], "--version") == 0) {
            puts("sluiced " SLUICE_VERSION);
            return OPTIONS_DONE;
        }
        if (!take_option(o, argc, argv, &i))
            return OPTIONS_WRONG;
    }
    finish(o);
    return OPTIONS_RUN;
}

void options_fini(struct options *o)
{
    rules_fini(&o->rules);
}
