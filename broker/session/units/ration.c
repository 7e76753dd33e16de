/* SPDX-License-Identifier: MIT */
#include "broker/session/units/ration.h"

#include <string.h>

#include "broker/session/identity.h"
#include "broker/session/notice.h"
#include "broker/session/session.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/burst.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/units.h"
#include "proto/channel_name.h"

static bool is_waiting(const struct session *s)
{
    return s->state == SESSION_PAUSED && s->waiting.wait == WAIT_RATE;
}

void ration_end(struct session *s)
{
    struct ration *r = s->units ? s->units->ration : NULL;
    if (!r)
        return;
    s->units->ration = NULL;
    hub_cancel_alarm(units_hub(s), &r->alarm);
    budget_free(s->all->budget, r, sizeof *r + r->length);
}

/* What is parked for the channel has a GO of its own. */
static bool ration_go(struct ration *r)
{
    struct session *s = r->session;
    bool is_ok = parked_is_told(s, r->name, r->length) ||
                 answer_go(s, r->name, r->length);
    ration_end(s);
    return is_ok;
}

static void ration_on_alarm(struct hub_alarm *a)
{
    struct ration *r = LIST_OF(a, struct ration, alarm);
    struct session *s = r->session;
    if (is_waiting(s) || !identity_has_room(s))
        hub_set_alarm(units_hub(s), a, RATION_LOOK_MS);
    else if (!ration_go(r))
        session_close(s, REASON_NO_MEMORY);
}

static struct ration *ration_new(struct session *s, const uint8_t *name,
                                 uint32_t length)
{
    struct ration *r = budget_alloc(s->all->budget, sizeof *r + length);
    if (!r)
        return NULL;
    r->session = s;
    r->length = length;
    memcpy(r->name, name, length);
    alarm_init(&r->alarm.alarm);
    r->alarm.ring = ration_on_alarm;
    hub_set_alarm(units_hub(s), &r->alarm, RATION_LOOK_MS);
    return r;
}

bool ration_begin(struct session *s)
{
    uint8_t name[CHANNEL_NAME_MAX];
    uint32_t length = burst_last(s, name);
    struct units *u = units_obtain(s);
    if (!u)
        return false;
    if (u->ration || length == 0 || u->end != UNITS_GOES_ON ||
        parked_is_told(s, name, length))
        return true;
    u->ration = ration_new(s, name, length);
    if (!u->ration)
        return false;
    counter_add(s->all->counters, COUNT_holds, 1);
    notice_held(s, name, length, u->parked_bytes);
    return answer_hold(s, name, length);
}
