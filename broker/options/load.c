/* SPDX-License-Identifier: MIT */
#include "broker/options/load.h"

#include <stdlib.h>

#include "broker/options/environment.h"
#include "broker/options/file.h"
#include "broker/options/mistakes.h"
#include "broker/options/options.h"

/* Whether the action is about values at all. */
static bool wants_values(enum action action)
{
    return action == ACTION_RUN || action == ACTION_CHECK;
}

/* The strongest first. What is wrong with the command line is told alone: the
 * rest might be about another file. */
static bool read_all(struct arguments *a, struct options *o, struct mistakes *c)
{
    char error[MISTAKE_BYTES];
    if (!arguments_read(a, o, c))
        return false;
    if (!wants_values(a->action))
        return true;
    bool ok = environment_read(o, c);
    if (!a->config)
        a->config = getenv("SLUICE_CONFIG");
    if (a->config)
        ok = file_read(a->config, o, c) && ok;
    if (!ok)
        return false;
    return options_finish(o, error) || mistakes_add(c, "%s", error);
}

struct options *options_load(struct arguments *a, struct mistakes *c)
{
    struct options *o = malloc(sizeof *o);
    if (!o) {
        mistakes_add(c, "there is no memory for the options");
        return NULL;
    }
    options_init(o);
    if (read_all(a, o, c))
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
