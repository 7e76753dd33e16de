/* SPDX-License-Identifier: MIT */
#include "broker/session/units/hub.h"

#include <stdio.h>
#include <stdlib.h>

#include "broker/base/siphash.h"
#include "broker/net/reactor.h"
#include "broker/session/clients.h"
#include "broker/session/session.h"
#include "broker/session/units/logins.h"
#include "broker/session/units/unit_render.h"
#include "broker/session/units/units.h"
#include "broker/session/units/units_kind.h"

bool hub_open(struct clients *all)
{
    struct siphash_key random = siphash_key_random();
    struct unit_hub *hub = calloc(1, sizeof *hub);
    if (!hub)
        return false;
    hub->all = all;
    list_init(&hub->writing);
    list_init(&hub->rested);
    list_init(&hub->synced);
    wheel_init(&hub->wheel, reactor_now_ms(all->reactor));
    (void)snprintf(hub->run, sizeof hub->run, "%016llx",
                   (unsigned long long)siphash(&random, "run", 3));
    all->hub = hub;
    map_init(&hub->requests, all->budget);
    idmap_init(&hub->names, all->budget);
    map_init(&hub->parked, all->budget);
    interests_init(&hub->interests, all->budget);
    errands_init(&hub->errands);
    hub->render = unit_render_new();
    return hub->render != NULL;
}

void hub_close(struct clients *all)
{
    if (all->hub) {
        map_fini(&all->hub->requests);
        idmap_clear(&all->hub->names);
        map_fini(&all->hub->parked);
        interests_fini(&all->hub->interests);
        free(all->hub->render);
        logins_free(all->hub->logins);
    }
    free(all->hub);
    all->hub = NULL;
}

/* A session that is read again answers, and so may have to rest again. */
static void hub_resume(struct unit_hub *hub)
{
    struct list rested, *link;
    list_init(&rested);
    list_splice(&rested, &hub->rested);
    while ((link = list_pop(&rested)) != NULL) {
        struct session *s = LIST_OF(link, struct units, rested)->session;
        if (s->state == SESSION_PAUSED)
            session_resume(s);
    }
}

static void hub_write_one(struct units *u)
{
    struct session *s = u->session;
    if (!u->is_overrun) {
        session_flush(s);
        return;
    }
    counter_add(s->all->counters, COUNT_closed_slow, 1);
    session_act(s, units_kind.doom(s));
}

void hub_write(struct clients *all)
{
    struct list *link;
    /* There is no hub if the start ran out of memory. */
    while (all->hub && (link = list_pop(&all->hub->writing)) != NULL)
        hub_write_one(LIST_OF(link, struct units, writing));
}

bool hub_end_turn(struct clients *all)
{
    struct unit_hub *hub = all->hub;
    if (!hub)
        return false;
    bool has_errands = errands_end_turn(&hub->errands);
    if (!list_is_empty(&hub->writing))
        hub_write(all);
    if (!list_is_empty(&hub->rested))
        hub_resume(hub);
    return has_errands || !list_is_empty(&hub->writing);
}

void hub_tick(struct clients *all, clock_ms now)
{
    struct alarm *a;
    while ((a = wheel_pop(&all->hub->wheel, now)) != NULL) {
        struct hub_alarm *alarm = LIST_OF(a, struct hub_alarm, alarm);
        alarm->ring(alarm);
    }
    all->hub->has_alarms = wheel_wait_ms(&all->hub->wheel, now) != UINT32_MAX;
}

uint32_t hub_wait_ms(const struct clients *all, clock_ms now)
{
    return all->hub->has_alarms ? wheel_wait_ms(&all->hub->wheel, now)
                                : UINT32_MAX;
}

void hub_set_alarm(struct unit_hub *hub, struct hub_alarm *a, uint32_t ms)
{
    hub->has_alarms = true;
    wheel_set(&hub->wheel, &a->alarm, reactor_now_ms(hub->all->reactor), ms);
}

void hub_cancel_alarm(struct unit_hub *hub, struct hub_alarm *a)
{
    wheel_cancel(&hub->wheel, &a->alarm);
}
