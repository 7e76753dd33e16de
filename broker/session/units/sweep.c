/* SPDX-License-Identifier: MIT */
#include "broker/session/units/sweep.h"

#include "broker/core/core.h"
#include "broker/session/clients.h"
#include "broker/session/units/appearances.h"
#include "broker/session/units/hub.h"

enum { WORK_SLOT = 2 };

struct visit {
    struct unit_hub *hub;
    int32_t *work;
};

static void sweep_visit(struct channel *ch, void *arg)
{
    const struct visit *v = arg;
    if (channel_is_stale(ch, v->work))
        appearances_undo(v->hub, ch);
}

/* The pause follows the sweep, so that it lies between any two looks at one
 * channel, however long sweeps take. */
static bool run_sweep(struct errand *c, int32_t *work)
{
    struct unit_hub *hub = LIST_OF(c, struct unit_hub, sweep);
    struct visit v = {hub, work};
    bool goes_on = true;
    while (goes_on && *work > 0) {
        *work -= WORK_SLOT;
        goes_on = directory_walk(&hub->all->core->directory, &hub->swept, 1,
                                 sweep_visit, &v);
    }
    if (goes_on)
        return false;
    list_remove(&c->link);
    if (hub->interests.group_count > 0)
        hub_set_alarm(hub, &hub->sweep_alarm, SWEEP_PAUSE_MS);
    return true;
}

static void on_pause_over(struct hub_alarm *a)
{
    struct unit_hub *hub = LIST_OF(a, struct unit_hub, sweep_alarm);
    hub->swept = (struct map_walk){0};
    errands_add(&hub->errands, &hub->sweep);
}

void sweep_init(struct unit_hub *hub)
{
    alarm_init(&hub->sweep_alarm.alarm);
    hub->sweep_alarm.ring = on_pause_over;
    list_init(&hub->sweep.link);
    hub->sweep.run = run_sweep;
}

void sweep_begin(struct unit_hub *hub)
{
    if (!alarm_is_set(&hub->sweep_alarm.alarm) &&
        list_is_empty(&hub->sweep.link))
        hub_set_alarm(hub, &hub->sweep_alarm, SWEEP_PAUSE_MS);
}

void sweep_end(struct unit_hub *hub)
{
    hub_cancel_alarm(hub, &hub->sweep_alarm);
    list_remove(&hub->sweep.link);
}
