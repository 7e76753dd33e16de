/* SPDX-License-Identifier: MIT */
#include "broker/session/units/appearances.h"

#include "broker/core/core.h"
#include "broker/session/clients.h"
#include "broker/session/units/hub.h"
#include "broker/session/units/wildcards.h"

enum { OCTETS_PER_WORK = 3 }; /* of a name, for all that a search prepares */

struct appearance {
    struct errand errand;
    struct unit_hub *hub;
    struct channel *channel;
    bool has_begun;
};

static void appearance_end(struct appearance *a)
{
    list_remove(&a->errand.link);
    channel_complete(a->channel);
    budget_free(a->hub->all->budget, a, sizeof *a);
}

static bool run_appear(struct errand *c, int32_t *work)
{
    struct appearance *a = LIST_OF(c, struct appearance, errand);
    struct interests *in = &a->hub->interests;
    uint32_t length = channel_name_length(a->channel);
    struct interest *i;
    if (!a->has_begun) {
        interests_seek(in, channel_name(a->channel), length);
        *work -= (int32_t)length / OCTETS_PER_WORK;
    }
    a->has_begun = true;
    while ((i = interests_next(in, work)) != NULL) {
        struct wildcard *w = LIST_OF(i, struct wildcard, interest);
        if (!w->is_pending) /* else it will find the channel */
            wildcards_join(w, a->channel, work);
    }
    if (interests_are_sought(in))
        return false;
    appearance_end(a);
    return true;
}

bool appearances_begin(struct clients *all, struct channel *ch)
{
    struct unit_hub *hub = all->hub;
    if (!hub || hub->interests.group_count == 0)
        return true;
    struct appearance *a = budget_zalloc(all->budget, sizeof *a);
    if (!a)
        return false;
    a->hub = hub;
    a->channel = ch;
    a->errand.run = run_appear;
    channel_await(ch);
    errands_add(&hub->errands, &a->errand);
    return true;
}

bool appearances_want(struct clients *all, const uint8_t *name, uint32_t length)
{
    struct unit_hub *hub = all->hub;
    if (hub->interests.group_count == 0)
        return false;
    if (errands_are_due(&hub->errands) || hub->errands.work <= 0)
        return true;
    interests_seek(&hub->interests, name, length);
    hub->errands.work -= (int32_t)length / OCTETS_PER_WORK;
    bool is_found = interests_next(&hub->interests, &hub->errands.work) != NULL;
    bool is_unknown = interests_are_sought(&hub->interests);
    interests_stop(&hub->interests);
    return is_found || is_unknown;
}

void appearances_close(struct unit_hub *hub)
{
    interests_stop(&hub->interests);
    while (errands_are_due(&hub->errands))
        appearance_end(
            LIST_OF(hub->errands.line.next, struct appearance, errand.link));
}
