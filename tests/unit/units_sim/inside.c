/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/inside.h"

#include <inttypes.h>

#include "broker/core/channel.h"
#include "broker/core/pressure.h"
#include "broker/core/worker.h"
#include "broker/session/partial.h"
#include "broker/session/state.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/units.h"
#include "tests/unit/units_sim/actor.h"
#include "tests/unit/units_sim/report.h"
#include "tests/unit/virtual_stream.h"

enum { READ_BYTES = 64 << 10 };

/* A worker only waits outside the rounds of its queues without credit. */
static void check_worker(struct sim *sim, const struct subscriber *lane)
{
    const struct worker *w = lane->worker;
    if (!lane->channel || !channel_is_queue(lane->channel) || !w)
        return;
    bool is_due = !list_is_empty(&w->fed); /* when the turn ends */
    SIM_CHECK(sim, list_is_empty(&w->hungry) || !worker_has_credit(w) || is_due,
              "a worker of %u messages has credit for %u, and waits for credit",
              w->held, w->credit);
}

static void note_lane(struct sim *sim, const struct subscriber *lane)
{
    check_worker(sim, lane);
    static const int events[] = {
        [SUBSCRIBER_NONE] = -1,
        [SUBSCRIBER_OK] = REPORT_lane_ok,
        [SUBSCRIBER_BUSY] = REPORT_lane_busy,
        [SUBSCRIBER_SLOW] = REPORT_lane_slow,
        [SUBSCRIBER_RETIRED] = REPORT_lane_retired,
    };
    if (events[lane->state] >= 0)
        report_count(sim->report, (enum report_event)events[lane->state]);
}

/* Whoever is not read was asked to hold before. */
static void check_parked(struct sim *sim, const struct session *s)
{
    const struct units *u = s->units;
    SIM_CHECK(sim, u->parked_bytes <= HOLD_BYTES + MAX_FRAME + 8192,
              "session %" PRIu64 " has parked %" PRIu64 " bytes", s->id,
              (uint64_t)u->parked_bytes);
    if (list_is_empty(&u->parked))
        return;
    report_count(sim->report, REPORT_parked);
    if (s->state != SESSION_PAUSED || !u->is_held_back)
        return;
    report_count(sim->report, REPORT_held_back);
    LIST_EACH (link, &u->parked) {
        const struct parked *line = LIST_OF(link, struct parked, link);
        SIM_CHECK(sim, line->is_told || list_is_empty(&line->units),
                  "session %" PRIu64 " is not read, and was not asked to hold",
                  s->id);
    }
}

static void check_units(struct sim *sim, const struct session *s)
{
    const struct units *u = s->units;
    SIM_CHECK(sim, u->answers->bytes <= UNITS_ANSWERS_MAX + MAX_FRAME + 8192,
              "session %" PRIu64 " is owed %" PRIu64 " bytes of answers", s->id,
              u->answers->bytes);
    SIM_CHECK(sim, u->request_count <= REQUESTS_MAX,
              "session %" PRIu64 " has %u requests", s->id, u->request_count);
    check_parked(sim, s);
    LIST_EACH (link, &u->lanes)
        note_lane(sim, &LIST_OF(link, struct lane, link)->sub);
    if (s->state == SESSION_PAUSED && u->answers->bytes > UNITS_ANSWERS_MAX / 2)
        report_count(sim->report, REPORT_rested);
}

/* Connections are numbered alike. */
static void note_rest(struct sim *sim, const struct session *s)
{
    struct actor *a = actor_of_serial(sim, (uint32_t)s->id);
    if (!a)
        return;
    a->has_rested = true;
    a->rested_at = virtual_now();
    a->rested_turn = sim->turns;
}

static void check_session(struct sim *sim, const struct session *s)
{
    if (s->state == SESSION_PAUSED || (s->partial && s->partial->is_unread))
        note_rest(sim, s);
    note_lane(sim, &s->sub);
    if (s->state == SESSION_PAUSED)
        report_count(sim->report, REPORT_paused);
    if (s->kind == SESSION_UNITS && s->units)
        check_units(sim, s);
}

static void note_gate(struct channel *ch, void *arg)
{
    struct sim *sim = arg;
    if (ch->gate.closed == 0)
        return;
    if (pressure_is_on(ch))
        report_count(sim->report, REPORT_gate_pressed);
    else
        report_count(sim->report, channel_is_queue(ch) ? REPORT_gate_full
                                                       : REPORT_gate_busy);
}

void inside_check(struct sim *sim)
{
    const struct budget *b = &sim->house.budget;
    LIST_EACH (link, &sim->house.clients.list)
        check_session(sim, LIST_OF(link, struct session, link));
    directory_each(&sim->house.core.directory, note_gate, sim);
    SIM_CHECK(sim,
              b->limit_bytes == 0 ||
                  b->used_bytes <= b->limit_bytes + ACTORS * READ_BYTES,
              "%" PRIu64 " bytes are in use, of %" PRIu64, b->used_bytes,
              b->limit_bytes);
}
