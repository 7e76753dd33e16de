/* SPDX-License-Identifier: MIT */
#include "broker/options/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/base/log.h"
#include "broker/options/option_table.h"
#include "broker/options/options.h"

enum { VALUE_BYTES = 1500 }; /* of one value in the log; more is cut */

/* All values of an option, for free(3); NULL when there is no memory. */
static char *values_of(const struct options *o, const struct option *row)
{
    char *text = NULL;
    size_t length, count = options_count(o, row);
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", out);
        options_write(o, row, i, out);
    }
    fputs(count > 0 ? "" : "none", out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static struct log_field field(const char *key, char *value)
{
    if (value && strlen(value) > VALUE_BYTES)
        memcpy(value + VALUE_BYTES - 3, "...", 4);
    return LOG_TEXT(key, value);
}

static void log_change(const struct option *row, char *old, char *fresh,
                       struct log *log)
{
    struct log_field option = LOG_TEXT("option", row->name);
    if (row->is_fixed)
        log_always(
            log, LOG_WARNING, "reload_kept",
            LOG_LIST(option, field("value", old), field("refused", fresh)));
    else
        log_always(log, LOG_INFO, "reload_changed",
                   LOG_LIST(option, field("old", old), field("new", fresh)));
}

static void log_changes(const struct options *old, const struct options *fresh,
                        bool fixed, struct log *log)
{
    for (const struct option *row = option_table; row->name; row++) {
        if (row->is_fixed != fixed)
            continue;
        char *before = values_of(old, row), *after = values_of(fresh, row);
        if (!before || !after || strcmp(before, after) != 0)
            log_change(row, before, after, log);
        free(before);
        free(after);
    }
}

void changes_log(const struct options *old, const struct options *fresh,
                 struct log *log)
{
    log_changes(old, fresh, false, log);
}

void changes_log_kept(const struct options *old, const struct options *fresh,
                      struct log *log)
{
    log_changes(old, fresh, true, log);
}

void changes_swap_fixed(struct options *old, struct options *fresh)
{
    for (const struct option *row = option_table; row->name; row++)
        if (row->is_fixed)
            options_swap(old, fresh, row);
}
