/* SPDX-License-Identifier: MIT */
#include "broker/session/units/units_kind.h"

#include "broker/net/reactor.h"
#include "broker/net/stream.h"
#include "broker/session/clients.h"
#include "broker/session/partial.h"
#include "broker/session/session.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/appearances.h"
#include "broker/session/units/burst.h"
#include "broker/session/units/client_name.h"
#include "broker/session/units/decode.h"
#include "broker/session/units/keepalive.h"
#include "broker/session/units/lanes.h"
#include "broker/session/units/login.h"
#include "broker/session/units/opening.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/pledges.h"
#include "broker/session/units/ration.h"
#include "broker/session/units/release.h"
#include "broker/session/units/replies.h"
#include "broker/session/units/requests.h"
#include "broker/session/units/revoking.h"
#include "broker/session/units/sweep.h"
#include "broker/session/units/synced.h"
#include "broker/session/units/unit.h"
#include "broker/session/units/unit_view.h"
#include "broker/session/units/unit_writer.h"
#include "broker/session/units/units.h"
#include "broker/session/units/wildcards.h"
#include "proto/head.h"

static struct channel *units_target(const struct session *s)
{
    (void)s;
    return NULL;
}

/* A refused body is kept nowhere, but has to come in time as well. */
static void units_await(struct session *s)
{
    struct clients *all = s->all;
    if (s->units && s->units->discard_bytes > 0)
        waits_begin(&all->waits, &s->waiting, WAIT_FRAME,
                    reactor_now_ms(all->reactor));
    else
        keepalive_renew(s);
}

static void units_offer(struct session *s, struct subscriber *sub)
{
    struct units *u = units_obtain(s);
    if (!u) {
        session_close(s, REASON_NO_MEMORY);
        return;
    }
    if (sub->is_early && u->barrier.is_working) {
        subscriber_keep(sub, &u->early);
        subscriber_flushed(sub);
        return;
    }
    sub->is_early = false;
    if (stream_wants_write(s->stream)) { /* the socket is full */
        subscriber_keep(sub, &u->output);
        subscriber_flushed(sub);
        return;
    }
    subscriber_keep(sub, &u->fresh);
    units_write_later(u);
}

static uint64_t units_kept_bytes(const struct session *s)
{
    return s->units ? s->units->parked_bytes : 0;
}

/* Only lanes with more than the socket took have anything. */
static void units_press(struct session *s)
{
    if (s->units)
        LIST_EACH_SAFE (link, &s->units->output)
            subscriber_press(LIST_OF(link, struct subscriber, dirty));
}

/* It is for the client's information: one that takes no answers, or for which
 * there is no memory, goes without. */
static void units_gap(struct session *s, const struct channel *ch,
                      uint64_t first, uint64_t last)
{
    struct counters *counters = s->all->counters;
    bool is_open = s->state == SESSION_OPEN || s->state == SESSION_PAUSED;
    if (!is_open || units_must_rest(s) || !answer_gap(s, ch, first, last))
        return;
    counter_add(counters, COUNT_gaps_told, 1);
    counter_add(counters, COUNT_messages_told, last - first + 1);
}

static struct verdict units_doom(struct session *s)
{
    if (s->units)
        s->units->is_overrun = false;
    wildcards_end(s);
    if (!lanes_leave(s))
        return verdict_close(REASON_NO_MEMORY);
    return unit_end(s, UNIT_OVERRUN, REASON_OVERRUN);
}

static struct verdict units_end(struct session *s)
{
    return s->state == SESSION_HELLO ? verdict_close(REASON_EOF)
                                     : verdict_goodbye(REASON_EOF);
}

static void units_abandon(struct session *s)
{
    pledges_end(s);
    stream_cut(s->stream);
    login_end(s);
    (void)requests_end(s, false);
    replies_end(s);
    synced_end(s);
    ration_end(s);
    parked_end(s);
    wildcards_end(s);
    lanes_abandon(s);
    units_free(s);
    client_name_forget(s);
}

static bool units_leave(struct session *s)
{
    struct units *u = units_obtain(s);
    if (!u)
        return false;
    login_end(s);
    ration_end(s);
    wildcards_end(s);
    if (!replies_leave(s) || !requests_end(s, true) || !lanes_retire(s))
        return false;
    u->end = UNITS_ENDS;
    if (!s->is_draining)
        parked_leave(s);
    else if (!parked_refuse(s))
        return false;
    units_write_later(u);
    return true;
}

static struct verdict units_stop(struct session *s)
{
    if (s->state == SESSION_HELLO)
        return verdict_close(REASON_STOPPING);
    s->is_draining = true;
    if (!answer_info(s))
        return verdict_close(REASON_NO_MEMORY);
    state_review_outbox(s);
    return verdict(VERDICT_GO_ON);
}

static bool units_are_drained(const struct clients *all)
{
    return all->hub->requests.count == 0 && list_is_empty(&all->hub->synced);
}

/* What is parked has had its time; the client has some more to take the answers
 * to that. A disk has all the time it takes. */
static struct verdict units_leave_timeout(struct session *s)
{
    struct clients *all = s->all;
    if (!s->units ||
        (list_is_empty(&s->units->parked) && !synced_is_waiting(s)))
        return verdict_close(REASON_LEAVE_TIMEOUT);
    waits_begin(&all->waits, &s->waiting, WAIT_LEAVE,
                reactor_now_ms(all->reactor));
    return parked_refuse(s) ? verdict(VERDICT_GO_ON)
                            : verdict_close(REASON_NO_MEMORY);
}

static struct verdict units_time_out(struct session *s, enum wait_kind wait)
{
    const struct partial *p = s->partial;
    switch (wait) {
    case WAIT_HELLO:
        if (login_exists(s))
            return unit_end(s, UNIT_AUTH, REASON_HELLO_TIMEOUT);
        return p && opening_is_certain(p->head, p->head_bytes)
                   ? unit_end(s, UNIT_PROTO, REASON_HELLO_TIMEOUT)
                   : verdict_close(REASON_HELLO_TIMEOUT);
    case WAIT_FRAME:
        return unit_end(s, UNIT_PROTO, REASON_FRAME_TIMEOUT);
    case WAIT_PING:
        return keepalive_missed(s);
    default:
        return units_leave_timeout(s);
    }
}

static bool units_open(struct clients *all)
{
    bool is_open = hub_open(all);
    if (all->hub) /* even if it will only be closed */
        sweep_init(all->hub);
    return is_open;
}

/* Asked in every turn of every broker, and hardly ever true. */
static bool has_synced(const struct unit_hub *hub, const struct core *core)
{
    return !list_is_empty(&hub->synced) ||
           hub->store_state != core_store_state(core);
}

static bool units_end_turn(struct clients *all)
{
    if (all->hub && has_synced(all->hub, all->core))
        synced_end_turn(all->hub);
    return hub_end_turn(all);
}

static void units_close(struct clients *all)
{
    if (all->hub) {
        sweep_end(all->hub);
        appearances_close(all->hub);
    }
    hub_close(all);
}

const struct session_kind units_kind = {
    .version = HEAD_VERSION,
    .is_duplex = true,
    .hello = opening_take,
    .decode = decode_units,
    .complete = decode_complete,
    .must_rest = units_must_rest,
    .offer = units_offer,
    .gap = units_gap,
    .doom = units_doom,
    .target = units_target,
    .flush = unit_writer_flush,
    .owed_bytes = unit_writer_owed_bytes,
    .kept_bytes = units_kept_bytes,
    .press = units_press,
    .ration = ration_begin,
    .await = units_await,
    .end = units_end,
    .hung_up = keepalive_ended,
    .leave = units_leave,
    .abandon = units_abandon,
    .admitted = release_admitted,
    .judge = revoking_judge,
    .stop = units_stop,
    .is_drained = units_are_drained,
    .time_out = units_time_out,
    .view = unit_view,
    .open = units_open,
    .close = units_close,
    .is_ended = requests_is_ended,
    .wants = appearances_want,
    .appeared = appearances_begin,
    .write = hub_write,
    .end_turn = units_end_turn,
    .tick = hub_tick,
    .wait_ms = hub_wait_ms,
};
