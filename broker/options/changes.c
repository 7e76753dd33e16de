/* SPDX-License-Identifier: MIT */
#include "broker/options/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/base/log.h"
#include "broker/options/options.h"

enum { VALUE_BYTES = 200 }; /* of one value in the log; more is cut */

static const char between[] = ", ";

/* Two values as text. NULL, when there was no memory, is like no value. */
struct difference {
    char *old, *fresh;
};

static bool difference_init(struct difference *d, const struct option *row,
                            const struct options *old,
                            const struct options *fresh)
{
    d->old = options_text(old, row, between);
    d->fresh = options_text(fresh, row, between);
    return strcmp(d->old ? d->old : "", d->fresh ? d->fresh : "") != 0;
}

static void difference_fini(struct difference *d)
{
    free(d->old);
    free(d->fresh);
}

void changes_keep_fixed(struct options *old, struct options *fresh,
                        struct log *log)
{
    for (size_t i = 0; i < option_table_size; i++) {
        const struct option *row = &option_table[i];
        struct difference d;
        if (!row->is_fixed)
            continue;
        if (difference_init(&d, row, old, fresh))
            log_event(log, LOG_WARNING, "reload_kept",
                      LOG_TEXT("option", row->name), LOG_TEXT("value", d.old),
                      LOG_TEXT("refused", d.fresh));
        difference_fini(&d);
        options_swap(old, fresh, row);
    }
}

/* Keys in the log are words. */
static char *log_key(const struct option *row)
{
    char *key = strdup(row->name);
    for (char *p = key; p && *p; p++)
        if (*p == '-')
            *p = '_';
    return key;
}

static const char *shown(char *text)
{
    if (!text || !*text)
        return "none";
    if (strlen(text) > VALUE_BYTES)
        memcpy(text + VALUE_BYTES - 3, "...", 4);
    return text;
}

/* A difference as the texts of a field of the log. */
struct told {
    char *key, *value;
};

static bool told_init(struct told *t, const struct option *row,
                      struct difference *d)
{
    t->key = log_key(row);
    if (t->key &&
        asprintf(&t->value, "%s -> %s", shown(d->old), shown(d->fresh)) >= 0)
        return true;
    free(t->key);
    return false;
}

static bool told_find(struct told *t, const struct option *row,
                      const struct options *old, const struct options *fresh)
{
    struct difference d;
    bool is_told =
        difference_init(&d, row, old, fresh) && told_init(t, row, &d);
    difference_fini(&d);
    return is_told;
}

void changes_log(const struct options *old, const struct options *fresh,
                 struct log *log)
{
    struct told told[OPTION_MAX];
    struct log_field fields[OPTION_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < option_table_size; i++) {
        const struct option *row = &option_table[i];
        if (row->is_fixed || !told_find(&told[n], row, old, fresh))
            continue;
        fields[n] = LOG_TEXT(told[n].key, told[n].value);
        n++;
    }
    fields[n] = (struct log_field){.kind = LOG_END};
    log_always(log, LOG_INFO, "reloaded", fields);
    while (n-- > 0) {
        free(told[n].key);
        free(told[n].value);
    }
}
