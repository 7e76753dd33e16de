/* SPDX-License-Identifier: MIT */
#include "broker/session/units/keepalive.h"

#include "broker/net/reactor.h"
#include "broker/net/stream.h"
#include "broker/session/clients.h"
#include "broker/session/session.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/units.h"

static bool has_own_period(const struct session *s)
{
    return s->units && s->units->ping_ms != UNITS_PING_DEFAULT;
}

/* Sessions with a period of their own have an alarm; most have that of the
 * broker, and then a place in a list is all it takes. */
static void keepalive_wait(struct session *s)
{
    struct clients *all = s->all;
    if (!has_own_period(s))
        waits_begin(&all->waits, &s->waiting, WAIT_PING,
                    reactor_now_ms(all->reactor));
    else if (s->units->ping_ms > 0)
        hub_set_alarm(all->hub, &s->units->ping, s->units->ping_ms);
}

/* A part of a message has come since the alarm was set: then its session waits
 * for the rest, and only the broker's period is renewed by that. */
static bool is_receiving(const struct session *s)
{
    clock_ms now = reactor_now_ms(s->all->reactor);
    return s->partial && s->waiting.wait == WAIT_FRAME &&
           clock_elapsed_ms(now, s->waiting.since) < s->units->ping_ms;
}

static void keepalive_on_alarm(struct hub_alarm *a)
{
    struct session *s = LIST_OF(a, struct units, ping)->session;
    if (s->state != SESSION_OPEN && s->state != SESSION_PAUSED)
        return;
    if (!is_receiving(s)) {
        session_act(s, keepalive_missed(s));
        return;
    }
    s->units->is_pinged = false;
    keepalive_wait(s);
}

bool keepalive_set_period(struct session *s, uint32_t ping_ms)
{
    struct units *u = units_obtain(s);
    if (!u)
        return false;
    u->ping_ms = ping_ms;
    u->ping.ring = keepalive_on_alarm;
    return true;
}

void keepalive_renew(struct session *s)
{
    waits_end(&s->waiting);
    if (s->units)
        s->units->is_pinged = false;
    keepalive_wait(s);
}

/* The session rests until its publishes have room, and its PONG may be in our
 * kernel. */
static bool is_unheard(const struct session *s)
{
    return s->units && s->units->is_held_back && stream_held(s->stream) > 0;
}

struct verdict keepalive_missed(struct session *s)
{
    if (is_unheard(s)) {
        keepalive_renew(s);
        return verdict(VERDICT_GO_ON);
    }
    bool is_pinged =
        has_own_period(s) ? s->units->is_pinged : s->waiting.times > 1;
    if (is_pinged)
        return unit_end(s, UNIT_IDLE, REASON_IDLE);
    if (!answer_ping(s))
        return verdict_close(REASON_NO_MEMORY);
    if (has_own_period(s))
        s->units->is_pinged = true;
    keepalive_wait(s);
    return verdict(VERDICT_GO_ON);
}
