/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/unit_invariants.h"

#include "broker/core/channel.h"
#include "broker/core/held.h"
#include "broker/core/worker.h"
#include "broker/net/stream.h"
#include "broker/session/state.h"
#include "broker/session/units/lanes.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/replies.h"
#include "broker/session/units/requests.h"
#include "broker/session/units/units.h"
#include "broker/session/units/wildcards.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/house.h"

static uint32_t length_of(const struct list *all)
{
    uint32_t n = 0;
    LIST_EACH (link, all)
        n++;
    return n;
}

/* A session that rests has a reason, or is about to be read again. */
static void check_rest(const struct session *s)
{
    bool is_starving =
        s->waiting.wait == WAIT_MEMORY && !list_is_empty(&s->waiting.link);
    const struct units *u = s->units;
    if (s->state != SESSION_PAUSED || is_starving)
        return;
    FUZZ_CHECK(stream_get_mode(s->stream) == STREAM_RESTING);
    FUZZ_CHECK(u && (units_must_rest(s) || !list_is_empty(&u->rested)));
}

/* A line is at its gate, or the client will hear GO. */
static uint64_t line_bytes(const struct parked *line, uint32_t *count)
{
    uint64_t bytes = 0;
    FUZZ_CHECK(!line->is_passing && publisher_is_waiting(&line->pub));
    FUZZ_CHECK(line->is_told || !list_is_empty(&line->units));
    LIST_EACH (link, &line->units) {
        const struct parked_unit *p = LIST_OF(link, struct parked_unit, link);
        FUZZ_CHECK(p->line == line);
        FUZZ_CHECK(!p->request || p->request->parked == p);
        bytes += unit_kept_size(&p->kept);
        ++*count;
    }
    return bytes;
}

static void check_parked(const struct session *s)
{
    const struct units *u = s->units;
    uint64_t bytes = 0;
    uint32_t count = 0;
    LIST_EACH (link, &u->parked)
        bytes += line_bytes(LIST_OF(link, struct parked, link), &count);
    FUZZ_CHECK(u->parked_count == count);
    LIST_EACH (link, &u->own_replies) {
        const struct reply *p = LIST_OF(link, struct reply, own);
        FUZZ_CHECK(p->replier == s && p->request->reply == &p->late);
        bytes += unit_kept_size(&p->kept);
    }
    FUZZ_CHECK(u->parked_bytes == bytes);
    FUZZ_CHECK(!u->is_held_back || bytes > 0);
}

static void check_requests(const struct session *s)
{
    const struct units *u = s->units;
    FUZZ_CHECK(u->request_count == length_of(&u->requests));
    FUZZ_CHECK(u->request_count <= s->all->config.requests_max);
    LIST_EACH (link, &u->requests) {
        const struct request *r = LIST_OF(link, struct request, link);
        FUZZ_CHECK(r->session == s && alarm_is_set(&r->alarm.alarm));
    }
}

static uint32_t messages_of(const struct list *holds)
{
    uint32_t n = 0;
    LIST_EACH (link, holds)
        n += LIST_OF(link, struct held, link)->slice.messages;
    return n;
}

/* What a client holds, it holds once. */
static void check_worker(const struct subscriber *lane)
{
    const struct worker *w = lane->worker; /* only in a queue */
    uint32_t all = 0;
    if (lane->state == SUBSCRIBER_NONE || !lane->channel ||
        !channel_is_queue(lane->channel) || !w)
        return;
    FUZZ_CHECK(w->held == messages_of(&w->holds) + messages_of(&w->clocked));
    LIST_EACH (link, &w->holder->workers)
        all += LIST_OF(link, struct worker, peer)->held;
    FUZZ_CHECK(w->holder->held == all && all <= HOLDER_MAX);
}

static void check_lanes(const struct session *s)
{
    const struct units *u = s->units;
    FUZZ_CHECK(u->lane_count == length_of(&u->lanes));
    FUZZ_CHECK(u->lane_count <= LANES_MAX);
    FUZZ_CHECK(u->wildcard_count == length_of(&u->wildcards));
    LIST_EACH (link, &u->lanes) {
        const struct lane *lane = LIST_OF(link, struct lane, link);
        FUZZ_CHECK(lane->session == s);
        check_worker(&lane->sub);
    }
}

/* An answer that is put off is due to something. */
static void check_barrier(const struct session *s)
{
    const struct units *u = s->units;
    FUZZ_CHECK(!u->barrier.is_set || u->barrier.lanes > 0 ||
               !list_is_empty(&u->writing) || stream_wants_write(s->stream) ||
               (u->barrier.is_working && u->changing));
}

void unit_invariants_check_session(const struct session *s)
{
    check_rest(s);
    check_worker(&s->sub);
    if (!s->units)
        return;
    FUZZ_CHECK(s->units->session == s);
    check_parked(s);
    check_requests(s);
    check_lanes(s);
    check_barrier(s);
}

bool unit_invariants_writes(const struct session *s)
{
    return s->kind == SESSION_UNITS && s->units &&
           !list_is_empty(&s->units->writing);
}

uint64_t unit_invariants_lanes(const struct session *s)
{
    return s->units ? s->units->lane_count : 0;
}

void unit_invariants_check(const struct house *h)
{
    const struct unit_hub *hub = h->clients.hub;
    uint64_t parked_bytes = 0, lines = 0, requests = 0;
    LIST_EACH (link, &h->clients.list) {
        const struct session *s = LIST_OF(link, struct session, link);
        if (s->kind != SESSION_UNITS || !s->units)
            continue;
        parked_bytes += s->units->parked_bytes;
        lines += length_of(&s->units->parked);
        requests += s->units->request_count;
    }
    FUZZ_CHECK(parked_bytes == house_count(h, COUNT_parked_bytes));
    FUZZ_CHECK(lines == hub->parked.count);
    FUZZ_CHECK(requests == hub->requests.count);
}
