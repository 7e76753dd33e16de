/* SPDX-License-Identifier: MIT */
#include "broker/options/journal_options.h"

#include <string.h>

#include "broker/options/environment.h"
#include "broker/options/kind.h"
#include "broker/options/option_table.h"
#include "broker/options/options.h"
#include "common/mistakes.h"

/* The current segment, one being made, and two in reserve, with which
 * acknowledgements go on when the disk is full. */
enum { LEAST_SEGMENTS = 4, LEAST_SEGMENT = 256 << 10 };

/* A message that is larger than a segment has one of its own, and the next one
 * as well before the first is let go. */
enum { LARGE_SEGMENTS = 3, LARGE_MESSAGES = 2 };

/* Reports a mistake in a value of the option `name`. */
static bool reject(const char *name, struct origin origin, const char *config,
                   const char *what, struct mistakes *m)
{
    const struct option *row = option_find(name, strlen(name));
    char variable[ENVIRONMENT_NAME_BYTES];
    environment_name(row, variable);
    if (origin.kind == ORIGIN_FILE) {
        m->place = config;
        m->line = origin.line;
        mistakes_add(m, "%s: %s", option_key(row), what);
        m->place = NULL;
        m->line = 0;
        return false;
    }
    if (origin.kind == ORIGIN_ENVIRONMENT)
        return mistakes_add(m, "%s: %s", variable, what);
    return mistakes_add(m, "--%s: %s", name, what);
}

/* The first rule that asks for durable queues; NULL when none does. */
static const struct rule_values *first_durable(const struct options *o)
{
    for (size_t i = 0; i < o->rules.count; i++)
        if (o->rules.rows[i].is_durable)
            return &o->rules.given[i];
    return NULL;
}

/* Reported once: the journal is missing for all rules. */
static bool check_rules(const struct options *o, const char *config,
                        struct mistakes *m)
{
    const struct rule_values *rule = first_durable(o);
    return o->journal.text || !rule ||
           reject("channel", rule->origin, config,
                  "durable=yes needs --journal, the folder in which durable "
                  "queues are kept",
                  m);
}

static bool check_segment(const struct options *o, const char *config,
                          struct mistakes *m)
{
    uint64_t given = o->journal_segment.number;
    return given == 0 || given >= LEAST_SEGMENT ||
           reject("journal-segment", o->journal_segment.origin, config,
                  "must be 0, or 256k at least", m);
}

static bool check_limit(const struct options *o, const char *config,
                        struct mistakes *m)
{
    uint64_t segment = options_journal_segment(o);
    char size[KIND_NUMBER_BYTES], least[KIND_NUMBER_BYTES], what[160];
    if (o->journal_limit.number >= LEAST_SEGMENTS * segment)
        return true;
    kind_write(&kind_size, segment, size);
    kind_write(&kind_size, LEAST_SEGMENTS * segment, least);
    snprintf(what, sizeof what,
             "must have room for four segments, which are of %s: %s at least",
             size, least);
    return reject("journal-limit", o->journal_limit.origin, config, what, m);
}

/* Otherwise its publisher would wait forever. */
static bool check_largest(const struct options *o, const char *config,
                          struct mistakes *m)
{
    uint64_t segment = options_journal_segment(o), frame = options_max_frame(o);
    uint64_t least = LARGE_SEGMENTS * segment + LARGE_MESSAGES * frame;
    char segments[KIND_NUMBER_BYTES], frames[KIND_NUMBER_BYTES],
        bytes[KIND_NUMBER_BYTES], what[200];
    if (!first_durable(o) || o->journal_limit.number >= least)
        return true;
    kind_write(&kind_size, segment, segments);
    kind_write(&kind_size, frame, frames);
    kind_write(&kind_size, least, bytes);
    snprintf(what, sizeof what,
             "must have room for three segments of %s and two messages of "
             "--max-frame, %s: %s at least, or a lower --max-frame",
             segments, frames, bytes);
    return reject("journal-limit", o->journal_limit.origin, config, what, m);
}

bool journal_options_check(const struct options *o, const char *config,
                           struct mistakes *m)
{
    bool ok = check_rules(o, config, m);
    ok = check_segment(o, config, m) && ok;
    return check_limit(o, config, m) && check_largest(o, config, m) && ok;
}

bool journal_options_reject(const struct options *o, const char *config,
                            const char *why, struct mistakes *m)
{
    return reject("journal", o->journal.origin, config, why, m);
}

/* Whether some queue's name matches: it begins with "/queue", so its first
 * segment is empty. */
static bool can_match_queue(const char *pattern)
{
    if (strcmp(pattern, "**") == 0)
        return true;
    if (*pattern == '*')
        pattern++;
    return strncmp(pattern, "/*", 2) == 0 || strncmp(pattern, "/queue", 6) == 0;
}

static void write_comments(const struct options *o, size_t i, FILE *out)
{
    const struct rule *rule = &o->rules.rows[i];
    const char *pattern = o->rules.given[i].pattern;
    char limit[KIND_NUMBER_BYTES];
    if (!can_match_queue(pattern)) {
        fprintf(out,
                "\n; durable has no effect on %s: only queues are durable, "
                "whose names begin with /queue\n",
                pattern);
    } else if (rule->limit_bytes > o->journal_limit.number) {
        kind_write(&kind_size, o->journal_limit.number, limit);
        fprintf(out,
                "\n; the limit of %s is never reached: the journal is full "
                "before, at %s\n",
                pattern, limit);
    }
}

void journal_options_write_comments(const struct options *o, FILE *out)
{
    for (size_t i = 0; i < o->rules.count; i++)
        if (o->rules.rows[i].is_durable)
            write_comments(o, i, out);
}
