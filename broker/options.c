/* SPDX-License-Identifier: MIT */
#include "broker/options.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "broker/base/log.h"
#include "proto/channel_name.h"
#include "proto/units.h"

struct option_row;

/* How a kind of value is read, and what a good one looks like. */
struct option_kind {
    const char *placeholder;
    const char *form;
    bool (*parse)(const char *text, uint64_t *value);
};

static bool parse_level(const char *text, uint64_t *value)
{
    for (uint64_t i = 0; log_level_names[i]; i++) {
        if (strcmp(text, log_level_names[i]) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static const struct option_kind kind_size = {"SIZE", UNITS_SIZE_FORM,
                                             units_parse_size};
static const struct option_kind kind_duration = {"TIME", UNITS_DURATION_FORM,
                                                 units_parse_duration_ms};
static const struct option_kind kind_count = {"N", UNITS_COUNT_FORM,
                                              units_parse_count};
static const struct option_kind kind_level = {
    "LEVEL", "error, warning, info or debug", parse_level};

struct option_row {
    const char *name;
    const struct option_kind *kind;
    size_t offset; /* of a uint64_t in struct options */
    const char *initial;
    uint64_t min, max;
    const char *range; /* in words, for errors */
    const char *sentence;
};

#define FIELD(f) offsetof(struct options, f)
#define HOURS_24 (24 * 3600 * 1000u)

static const struct option_row rows[] = {
    {"max-frame", &kind_size, FIELD(max_frame), "16m", 1, 1u << 30,
     "from 1 to 1g", "longest message"},
    {"client-limit", &kind_size, FIELD(client_limit), "8m", 1024, 1ull << 40,
     "from 1k to 1024g", "unsent output of one topic subscriber"},
    {"patience", &kind_duration, FIELD(patience), "1s", 0, HOURS_24,
     "from 0 to 24h", "how long publishers wait for a full subscriber"},
    {"prefetch", &kind_size, FIELD(prefetch), "64k", 1, 1u << 30,
     "from 1 to 1g", "what one consumer holds of a queue in advance"},
    {"queue-limit", &kind_size, FIELD(queue_limit), "64m", 1024, 1ull << 40,
     "from 1k to 1024g", "what one queue holds at most"},
    {"max-connections", &kind_count, FIELD(max_connections), "0", 0, 1u << 20,
     "from 0 to 1048576", "open connections; 0: as many as files allow"},
    {"hello-timeout", &kind_duration, FIELD(hello_timeout), "5s", 1, HOURS_24,
     "from 1ms to 24h", "silence before the first frame"},
    {"frame-timeout", &kind_duration, FIELD(frame_timeout), "10s", 1, HOURS_24,
     "from 1ms to 24h", "a started frame without progress"},
    {"drain-timeout", &kind_duration, FIELD(drain_timeout), "5s", 0, HOURS_24,
     "from 0 to 24h", "to deliver what was accepted, when stopping"},
    {"log-level", &kind_level, FIELD(log_level), "info", 0, LOG_DEBUG, "",
     "error, warning, info or debug"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static uint64_t *option_value(struct options *o, const struct option_row *row)
{
    return (uint64_t *)(void *)((char *)o + row->offset);
}

static bool option_set(struct options *o, const struct option_row *row,
                       const char *text)
{
    uint64_t value;
    if (!row->kind->parse(text, &value)) {
        fprintf(stderr, "sluiced: --%s: '%s' is not %s\n", row->name, text,
                row->kind->form);
        return false;
    }
    if (value < row->min || value > row->max) {
        fprintf(stderr, "sluiced: --%s: %s is out of range: %s\n", row->name,
                text, row->range);
        return false;
    }
    *option_value(o, row) = value;
    return true;
}

static void print_option(FILE *out, const char *name, const char *placeholder,
                         const char *sentence, const char *initial)
{
    char left[40];
    snprintf(left, sizeof left, "--%s %s", name, placeholder);
    fprintf(out, "  %-24s %s", left, sentence);
    if (initial)
        fprintf(out, " [%s]", initial);
    fputc('\n', out);
}

void options_help(FILE *out)
{
    fputs("usage: sluiced [--listen ADDR]... [options]\n\n"
          "A message broker: topics that fan out, queues that share work.\n"
          "Runs in the foreground and logs to stderr.\n\n",
          out);
    print_option(out, "listen", "ADDR", "where; may be repeated",
                 SLUICE_DEFAULT_ADDRESS);
    for (size_t i = 0; i < ROWS; i++) {
        bool is_auto = rows[i].kind == &kind_count;
        print_option(out, rows[i].name, rows[i].kind->placeholder,
                     rows[i].sentence, is_auto ? "0" : rows[i].initial);
    }
    fputs(
        "  --help                   this text\n"
        "  --version                the version\n\n"
        "ADDR: host:port, [v6]:port or unix:PATH. Sizes: 4096, 64k, 16m, 1g.\n"
        "Times: 250ms, 5s, 2m, or in seconds.\n"
        "SIGTERM or SIGINT: deliver what was accepted, then stop; again: "
        "stop now.\n"
        "SIGUSR1: log all counters.\n",
        out);
}

static bool add_listen(struct options *o, const char *address)
{
    if (o->listen_count == OPTIONS_LISTEN_MAX) {
        fprintf(stderr,
                "sluiced: --listen: '%s' is one too many, %d is the "
                "most\n",
                address, OPTIONS_LISTEN_MAX);
        return false;
    }
    o->listen[o->listen_count++] = address;
    return true;
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
    if (strncmp(arg, "--", 2) != 0 || arg[2] == '\0') {
        fprintf(stderr,
                "sluiced: unexpected argument '%s'; see sluiced "
                "--help\n",
                arg);
        return false;
    }
    const char *name = arg + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    bool is_listen = length == 6 && memcmp(name, "listen", 6) == 0;
    const struct option_row *row = find_row(name, length);
    if (!row && !is_listen) {
        fprintf(stderr,
                "sluiced: unknown option '--%.*s'; see sluiced "
                "--help\n",
                (int)length, name);
        return false;
    }
    const char *value = equals ? equals + 1 : NULL;
    if (!value && *i + 1 < argc)
        value = argv[++*i];
    if (!value) {
        fprintf(stderr, "sluiced: --%.*s wants a value: %s\n", (int)length,
                name,
                row ? row->kind->form : "host:port, [v6]:port or unix:PATH");
        return false;
    }
    return row ? option_set(o, row, value) : add_listen(o, value);
}

enum options_result options_parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){0};
    for (size_t i = 0; i < ROWS; i++) {
        bool is_set = option_set(o, &rows[i], rows[i].initial);
        assert(is_set);
        (void)is_set;
    }
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
    if (o->listen_count == 0)
        o->listen[o->listen_count++] = SLUICE_DEFAULT_ADDRESS;
    return OPTIONS_RUN;
}
