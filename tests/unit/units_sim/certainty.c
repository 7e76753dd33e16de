/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/certainty.h"

#include <string.h>

#include "tests/unit/units_sim/census.h"
#include "tests/unit/virtual_stream.h"

/* The policy `disconnect` may have ended it. */
static bool may_be_cut_off(const struct actor *a)
{
    for (int i = 0; i < TOPICS; i++)
        if (strcmp(names[i].policy, "disconnect") == 0 && census_may_read(a, i))
            return true;
    return false;
}

static bool may_be_idle(const struct actor *a)
{
    return a->ping_ms > 0 &&
           clock_elapsed_ms(virtual_now(), a->read_at) >= a->ping_ms;
}

bool certainty_of(const struct sim *sim, const struct actor *a)
{
    return !sim->is_draining && !sim->mood.is_faulty &&
           virtual_is_open(a->wire) && !a->is_leaving && !a->is_doomed &&
           !a->has_bye && !may_be_cut_off(a) && !may_be_idle(a);
}
