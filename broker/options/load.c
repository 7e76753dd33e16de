/* SPDX-License-Identifier: MIT */
#include "broker/options/load.h"

#include <stdlib.h>
#include <string.h>

#include "broker/options/changes.h"
#include "broker/options/door.h"
#include "broker/options/environment.h"
#include "broker/options/exposure.h"
#include "broker/options/file.h"
#include "broker/options/journal_options.h"
#include "broker/options/options.h"
#include "broker/options/tls_options.h"
#include "common/mistakes.h"
#include "users/users.h"
#include "users/users_file.h"

static bool wants_values(enum action action)
{
    return action == ACTION_RUN || action == ACTION_CHECK;
}

/* Their mistakes are those of the options. */
static bool load_users(struct options *o, struct mistakes *m)
{
    if (!o->users.text)
        return true;
    o->known = users_file_read(o->users.text, m);
    return o->known != NULL;
}

/* What options demand of each other. */
static bool load_check(const struct arguments *a, const struct options *o,
                       struct mistakes *m)
{
    return door_check_all(o, m) && exposure_check(o, m) &&
           journal_options_check(o, a->config, m) && tls_options_check(o, m);
}

/* Strongest source first. If the command line is wrong, only that is reported:
 * it may name another file. */
static bool load(struct arguments *a, struct options *o, struct mistakes *m)
{
    if (!arguments_read(a, o, m))
        return false;
    if (!wants_values(a->action))
        return true;
    bool ok = environment_read(o, m);
    if (!a->config)
        a->config = getenv("SLUICE_CONFIG");
    if (a->config)
        ok = file_read(a->config, o, m) && ok;
    return ok && options_finish(o, m) && load_check(a, o, m) &&
           load_users(o, m);
}

struct options *options_load(struct arguments *a, struct mistakes *m)
{
    struct options *o = malloc(sizeof *o);
    if (!o) {
        mistakes_add(m, "there is no memory for the options");
        return NULL;
    }
    options_init(o);
    if (load(a, o, m))
        return o;
    options_free(o);
    return NULL;
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Judges `fresh` by what the broker goes on with, not by what the sources say
 * of that: no door must open because the users would be others after a restart.
 */
static bool load_keep(const struct arguments *a, struct options *old,
                      struct options *fresh, struct mistakes *m)
{
    bool has_users = is_same(old->users.text, fresh->users.text);
    changes_swap_fixed(old, fresh);
    if (!has_users) {
        users_unref(fresh->known);
        fresh->known = NULL;
    }
    return load_check(a, fresh, m) && (has_users || load_users(fresh, m));
}

struct options *options_reload(struct arguments *a, struct options *old,
                               struct log *log, struct mistakes *m)
{
    struct options *fresh = options_load(a, m);
    if (!fresh)
        return NULL;
    changes_log_kept(old, fresh, log);
    if (load_keep(a, old, fresh, m))
        return fresh;
    changes_swap_fixed(old, fresh);
    options_free(fresh);
    return NULL;
}

void options_free(struct options *o)
{
    if (!o)
        return;
    options_fini(o);
    free(o);
}
