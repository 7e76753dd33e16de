/* SPDX-License-Identifier: MIT */
#include "broker/options/environment.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/options/mistakes.h"
#include "broker/options/options.h"

void environment_name(const struct option *row,
                      char out[ENVIRONMENT_NAME_BYTES])
{
    snprintf(out, ENVIRONMENT_NAME_BYTES, "SLUICE_%s", row->name);
    for (char *p = out; *p; p++)
        *p = (char)(*p == '-' ? '_' : toupper((unsigned char)*p));
}

/* `length` bytes of text that may be an option's variable. */
static bool is_known(const char *text, size_t length)
{
    static const char config[] = "SLUICE_CONFIG";
    if (length == sizeof config - 1 && memcmp(text, config, length) == 0)
        return true;
    for (size_t i = 0; i < option_table_size; i++) {
        char name[ENVIRONMENT_NAME_BYTES];
        environment_name(&option_table[i], name);
        if (strlen(name) == length && memcmp(text, name, length) == 0)
            return true;
    }
    return false;
}

void environment_tell_unknown(FILE *out)
{
    for (char *const *p = environ; *p; p++) {
        size_t n = strspn(*p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        if (strncmp(*p, "SLUICE_", 7) == 0 && (*p)[n] == '=' &&
            !is_known(*p, n))
            fprintf(out, "\n; %.*s is no option of sluiced, and is ignored\n",
                    (int)n, *p);
    }
}

static bool set(struct options *o, const struct option *row, const char *name,
                const char *text, struct mistakes *c)
{
    char error[MISTAKE_BYTES];
    return options_set(o, row, name, text,
                       (struct origin){ORIGIN_ENVIRONMENT, 0}, error) ||
           mistakes_add(c, "%s", error);
}

static bool set_each(struct options *o, const struct option *row,
                     const char *name, const char *text, struct mistakes *c)
{
    char *copy = strdup(text), *rest, *part;
    if (!copy)
        return mistakes_add(c, "%s: there is no memory for it", name);
    bool ok = true;
    for (part = strtok_r(copy, ";", &rest); part;
         part = strtok_r(NULL, ";", &rest))
        ok = set(o, row, name, part, c) && ok;
    free(copy);
    return ok;
}

static bool is_repeated(const struct option *row)
{
    return row->shape == OPTION_LIST || row->shape == OPTION_RULES;
}

bool environment_read(struct options *o, struct mistakes *c)
{
    bool ok = true;
    for (size_t i = 0; i < option_table_size; i++) {
        const struct option *row = &option_table[i];
        char name[ENVIRONMENT_NAME_BYTES];
        environment_name(row, name);
        const char *text = getenv(name);
        if (text && is_repeated(row))
            ok = set_each(o, row, name, text, c) && ok;
        else if (text)
            ok = set(o, row, name, text, c) && ok;
    }
    return ok;
}
