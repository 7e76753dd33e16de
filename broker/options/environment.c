/* SPDX-License-Identifier: MIT */
#include "broker/options/environment.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/options/option_table.h"
#include "broker/options/options.h"
#include "common/mistakes.h"

void environment_name(const struct option *row,
                      char out[ENVIRONMENT_NAME_BYTES])
{
    snprintf(out, ENVIRONMENT_NAME_BYTES, "SLUICE_%s", row->name);
    for (char *p = out; *p; p++)
        *p = (char)(*p == '-' ? '_' : toupper((unsigned char)*p));
}

static bool set(struct options *o, const struct option *row, const char *name,
                const char *text, struct mistakes *m)
{
    return options_set(o, row, name, text,
                       (struct origin){ORIGIN_ENVIRONMENT, 0}, m);
}

static bool set_each(struct options *o, const struct option *row,
                     const char *name, const char *text, struct mistakes *m)
{
    char *copy = strdup(text), *rest, *part;
    if (!copy)
        return mistakes_add(m, "%s: there is no memory for it", name);
    bool ok = true;
    for (part = strtok_r(copy, ";", &rest); part;
         part = strtok_r(NULL, ";", &rest))
        ok = set(o, row, name, part, m) && ok;
    free(copy);
    return ok;
}

bool environment_read(struct options *o, struct mistakes *m)
{
    bool ok = true;
    for (const struct option *row = option_table; row->name; row++) {
        char name[ENVIRONMENT_NAME_BYTES];
        environment_name(row, name);
        const char *text = getenv(name);
        if (text && row->most > 1)
            ok = set_each(o, row, name, text, m) && ok;
        else if (text)
            ok = set(o, row, name, text, m) && ok;
    }
    return ok;
}

/* `length` bytes of text that may be an option's variable. */
static bool is_known(const char *text, size_t length)
{
    char name[ENVIRONMENT_NAME_BYTES] = "SLUICE_CONFIG";
    const struct option *row = option_table;
    while (strlen(name) != length || memcmp(text, name, length) != 0) {
        if (!row->name)
            return false;
        environment_name(row++, name);
    }
    return true;
}

void environment_write_unknown(FILE *out)
{
    for (char *const *p = environ; *p; p++) {
        size_t n = strspn(*p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        if (strncmp(*p, "SLUICE_", 7) == 0 && (*p)[n] == '=' &&
            !is_known(*p, n))
            fprintf(out,
                    "\n; %.*s is not an option of sluiced, and is ignored\n",
                    (int)n, *p);
    }
}
