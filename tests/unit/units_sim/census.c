/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/census.h"

#include <inttypes.h>

#include "tests/unit/units_sim/actor.h"
#include "tests/unit/units_sim/certainty.h"
#include "tests/unit/units_sim/report.h"
#include "tests/unit/virtual_stream.h"

bool census_may_read(const struct actor *a, int channel)
{
    if (!a->is_here || !virtual_is_open(a->wire))
        return false;
    if (a->version == 1)
        return a->channel == channel;
    for (int i = 0; i < PATTERNS; i++)
        if (is_matched(i, channel) &&
            (a->subs[i].is_on || a->subs[i].under_way > 0))
            return true;
    return false;
}

bool census_surely_reads(const struct sim *sim, const struct actor *a,
                         int channel)
{
    if (!census_may_read(a, channel) || !certainty_of(sim, a))
        return false;
    if (a->version == 1)
        return virtual_was_read(a->wire) >= a->hello_end;
    for (int i = 0; i < PATTERNS; i++)
        if (is_matched(i, channel) && a->subs[i].is_on &&
            a->subs[i].ending == 0)
            return true;
    return false;
}

struct count {
    uint32_t least, most, least_lanes;
};

static struct count count_readers(const struct sim *sim, int channel)
{
    struct count c = {0};
    for (int i = 0; i < ACTORS; i++) {
        const struct actor *a = &sim->actors[i];
        bool is_sure = census_surely_reads(sim, a, channel);
        c.most += census_may_read(a, channel);
        c.least += is_sure;
        c.least_lanes += is_sure && a->version == 2;
    }
    return c;
}

void census_begin(struct sim *sim, struct ask *ask)
{
    struct count c = count_readers(sim, ask->what);
    ask->least = c.least;
    ask->most = c.most;
    ask->least_lanes = c.least_lanes;
}

static void widen(struct ask *ask, const struct count *c)
{
    if (ask->least > c->least)
        ask->least = c->least;
    if (ask->most < c->most)
        ask->most = c->most;
    if (ask->least_lanes > c->least_lanes)
        ask->least_lanes = c->least_lanes;
}

void census_changed(struct sim *sim)
{
    struct count counts[CHANNELS];
    for (int i = 0; i < CHANNELS; i++)
        counts[i] = count_readers(sim, i);
    for (int i = 0; i < ACTORS; i++) {
        struct actor *a = &sim->actors[i];
        if (!a->is_here || a->version == 1)
            continue;
        for (uint32_t j = a->first_ask; j != a->next_ask; j++) {
            struct ask *ask = actor_ask_at(a, j);
            if (!ask->is_answered &&
                (ask->kind == ASK_PUB || ask->kind == ASK_REQ))
                widen(ask, &counts[ask->what]);
        }
    }
}

void census_check(struct sim *sim, const struct ask *ask, uint64_t readers)
{
    if (sim->mood.is_faulty)
        return;
    SIM_CHECK(sim, readers >= ask->least && readers <= ask->most,
              "channel %d had %u to %u readers, and a receipt says %" PRIu64,
              ask->what, ask->least, ask->most, readers);
}
