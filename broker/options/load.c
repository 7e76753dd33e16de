/* SPDX-License-Identifier: MIT */
#include "broker/options/load.h"

#include <stdlib.h>

#include "broker/options/door.h"
#include "broker/options/environment.h"
#include "broker/options/exposure.h"
#include "broker/options/file.h"
#include "broker/options/journal_options.h"
#include "broker/options/options.h"
#include "broker/options/tls_options.h"
#include "common/mistakes.h"
#include "users/users_file.h"

static bool wants_values(enum action action)
{
    return action == ACTION_RUN || action == ACTION_CHECK;
}

/* Strongest source first. If the command line is wrong, only that is reported:
 * it may name another file. */
/* Their mistakes are those of the options. */
static bool load_users(struct options *o, struct mistakes *m)
{
    if (!o->users.text)
        return true;
    o->known = users_file_read(o->users.text, m);
    return o->known != NULL;
}

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
    return ok && options_finish(o, m) && door_check_all(o, m) &&
           exposure_check(o, m) && journal_options_check(o, a->config, m) &&
           tls_options_check(o, m) && load_users(o, m);
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

void options_free(struct options *o)
{
    if (!o)
        return;
    options_fini(o);
    free(o);
}
