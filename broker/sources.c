/* SPDX-License-Identifier: MIT */
#include "broker/sources.h"

#include <stdlib.h>

#include "broker/complaints.h"
#include "broker/config.h"
#include "broker/environment.h"
#include "broker/options.h"

/* Whether the wish is about values at all. */
static bool wants_values(enum wish wish)
{
    return wish == WISH_RUN || wish == WISH_CHECK;
}

/* The strongest first. What is wrong with the command line is told alone: the
 * rest might be about another file. */
static bool read_all(struct arguments *a, struct options *o,
                     struct complaints *c)
{
    char error[OPTION_ERROR_BYTES];
    if (!arguments_read(a, o, c))
        return false;
    if (!wants_values(a->wish))
        return true;
    bool ok = environment_read(o, c);
    if (!a->config)
        a->config = getenv("SLUICE_CONFIG");
    if (a->config)
        ok = config_read(a->config, o, c) && ok;
    if (!ok)
        return false;
    return options_finish(o, error) || complaints_add(c, "%s", error);
}

struct options *sources_read(struct arguments *a, struct complaints *c)
{
    struct options *o = malloc(sizeof *o);
    if (!o) {
        complaints_add(c, "there is no memory for the options");
        return NULL;
    }
    options_init(o);
    if (read_all(a, o, c))
        return o;
    sources_free(o);
    return NULL;
}

void sources_free(struct options *o)
{
    if (!o)
        return;
    options_fini(o);
    free(o);
}
