/* SPDX-License-Identifier: MIT */
#include "broker/session/units/appearances.h"

#include "broker/core/core.h"
#include "broker/session/clients.h"
#include "broker/session/state.h"
#include "broker/session/units/hub.h"
#include "broker/session/units/lanes.h"
#include "broker/session/units/wildcards.h"

/* See errands.h. */
enum {
    OCTETS_PER_WORK = 3, /* of a name, for all that a search prepares */
    WORK_LEAVE = 6,
};

struct appearance {
    struct errand errand;
    struct unit_hub *hub;
    struct channel *channel;
    uint32_t leaving; /* members that are still to be visited, to be removed */
    bool has_begun;
};

static void appearance_end(struct appearance *a)
{
    list_remove(&a->errand.link);
    channel_complete(a->channel);
    budget_free(a->hub->all->budget, a, sizeof *a);
}

static void appearance_begin(struct appearance *a)
{
    channel_await(a->channel);
    errands_add(&a->hub->errands, &a->errand);
}

static struct appearance *
appearance_new(struct unit_hub *hub, struct channel *ch,
               bool (*run)(struct errand *, int32_t *))
{
    struct appearance *a = budget_zalloc(hub->all->budget, sizeof *a);
    if (!a)
        return NULL;
    a->hub = hub;
    a->channel = ch;
    a->errand.run = run;
    return a;
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
    struct appearance *a = appearance_new(hub, ch, run_appear);
    if (!a)
        return false;
    appearance_begin(a);
    return true;
}

/* The lane is there for no pattern, until they are found again. It stays if it
 * has its own name, or was given something since. */
static void leave(struct subscriber *lane)
{
    const struct channel *ch = lane->channel;
    if (lane->kind == SUBSCRIBER_PLAIN)
        return;
    lane->matches = 0;
    if (!lane->is_exact && channel_is_as_new(ch))
        (void)lanes_close(session_of_subscriber(lane), lane);
}

/* Then it is over, or goes on as an appearance. */
static bool run_leave(struct errand *c, int32_t *work)
{
    struct appearance *a = LIST_OF(c, struct appearance, errand);
    struct channel *ch = a->channel;
    for (; a->leaving > 0 && *work > 0; a->leaving--) {
        struct subscriber *lane = channel_next_member(ch);
        *work -= WORK_LEAVE;
        if (lane)
            leave(lane);
    }
    if (a->leaving > 0)
        return false;
    if (channel_member_count(ch) == 0 && channel_is_as_new(ch)) {
        appearance_end(a);
        return true;
    }
    c->run = run_appear;
    return *work > 0 && run_appear(c, work);
}

/* Without memory it is tried again the next time. */
void appearances_undo(struct unit_hub *hub, struct channel *ch)
{
    struct appearance *a = appearance_new(hub, ch, run_leave);
    if (!a)
        return;
    a->leaving = channel_member_count(ch);
    appearance_begin(a);
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
