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

/* Reported once: the journal is missing for all rules. */
static bool check_rules(const struct options *o, const char *config,
                        struct mistakes *m)
{
    if (o->journal.text)
        return true;
    for (size_t i = 0; i < o->rules.count; i++)
        if (o->rules.rows[i].is_durable)
            return reject("channel", o->rules.given[i].origin, config,
                          "durable=yes needs --journal, the folder in which "
                          "durable queues are kept",
                          m);
    return true;
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

bool journal_options_check(const struct options *o, const char *config,
                           struct mistakes *m)
{
    bool ok = check_rules(o, config, m);
    ok = check_segment(o, config, m) && ok;
    return check_limit(o, config, m) && ok;
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

void journal_options_write_idle(const struct options *o, FILE *out)
{
    for (size_t i = 0; i < o->rules.count; i++)
        if (o->rules.rows[i].is_durable &&
            !can_match_queue(o->rules.given[i].pattern))
            fprintf(out,
                    "\n; durable has no effect on %s: only queues are "
                    "durable, whose names begin with /queue\n",
                    o->rules.given[i].pattern);
}
