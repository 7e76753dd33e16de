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

void keepalive_ended(struct session *s)
{
    struct units *u = units_obtain(s);
    if (!u)
        return; /* it is read, or ends, without memory as well */
    u->has_hung_up = true;
    if (u->ping_ms == 0 && s->waiting.wait != WAIT_MEMORY) {
        u->ping_ms = UNITS_PING_DEFAULT;
        keepalive_wait(s);
    }
}

static uint32_t keepalive_period_ms(const struct session *s)
{
    return has_own_period(s) ? s->units->ping_ms
                             : s->all->waits.limit_ms[WAIT_PING];
}

/* The session is not read, so its PONG may be in our kernel, or can never come.
 * It is enough then that the client takes what is written, and that its kernel
 * has confirmed the last PING, a period ago: half of one is for the way there
 * and back. The kernel of a client that has gone answers with a reset. */
static bool may_be_alive(const struct session *s)
{
    const struct units *u = s->units;
    if (s->state != SESSION_PAUSED || !u || stream_wants_write(s->stream))
        return false;
    clock_ms now = reactor_now_ms(s->all->reactor);
    return (u->has_hung_up || stream_held(s->stream) > 0) &&
           stream_quiet_ms(s->stream) <=
               clock_elapsed_ms(now, u->pinged_at) + keepalive_period_ms(s) / 2;
}

struct verdict keepalive_missed(struct session *s)
{
    bool is_pinged =
        has_own_period(s) ? s->units->is_pinged : s->waiting.times > 1;
    if (is_pinged && !may_be_alive(s))
        return unit_end(s, UNIT_IDLE, REASON_IDLE);
    if (!answer_ping(s))
        return verdict_close(REASON_NO_MEMORY);
    s->units->is_pinged = true;
    s->units->pinged_at = reactor_now_ms(s->all->reactor);
    keepalive_wait(s);
    return verdict(VERDICT_GO_ON);
}
