/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/works.h"

#include <inttypes.h>

#include "tests/unit/units_sim/actor.h"
#include "tests/unit/units_sim/certainty.h"
#include "tests/unit/units_sim/report.h"
#include "tests/unit/units_sim/said.h"
#include "tests/unit/virtual_stream.h"

enum {
    TRIES_MAX = 256,
    RECENT = 200, /* turns: what was read may not have been executed */
};

static struct holding *holding_of(struct actor *a, uint32_t id)
{
    for (int i = 0; i < a->held; i++)
        if (a->holdings[i].message == id)
            return &a->holdings[i];
    return NULL;
}

static void drop_holding(struct actor *a, struct holding *h)
{
    *h = a->holdings[--a->held];
}

static bool has_time_left(uint32_t wait_ms, clock_ms since)
{
    return wait_ms == 0 || clock_elapsed_ms(virtual_now(), since) < wait_ms;
}

/* What was read of it lately may not have been executed yet. */
static bool may_lag(const struct sim *sim, const struct actor *a)
{
    return a->has_rested && sim->turns - a->rested_turn < RECENT;
}

/* Nothing was said or came to pass that could end it. */
static bool is_surely_held(struct sim *sim, const struct message *m,
                           uint32_t id)
{
    struct actor *a = m->holder > 0 ? actor_of_serial(sim, m->holder) : NULL;
    const struct holding *h = a ? holding_of(a, id) : NULL;
    return h && !h->is_doubtful && certainty_of(sim, a) &&
           !(h->is_touched && may_lag(sim, a)) &&
           a->subs[h->pattern].ending == 0 &&
           has_time_left(a->subs[h->pattern].wait_ms, h->since);
}

/* Its NAK may have been executed when the message was no longer held. */
static bool may_be_gone(struct sim *sim, const struct message *m)
{
    const struct actor *a = actor_of_serial(sim, m->holder);
    return !a ||
           (a->has_rested && a->rested_turn + RECENT > m->given_back_turn);
}

static void check_owner(struct sim *sim, struct actor *a, struct message *m,
                        uint32_t id)
{
    SIM_CHECK(sim, m->fate != FATE_DONE, "message %u is done, and came again",
              id);
    SIM_CHECK(sim, m->fate != FATE_NEVER,
              "message %u was refused, and came to somebody", id);
    SIM_CHECK(sim, !is_surely_held(sim, m, id),
              "message %u came to connection %u, and %u holds it", id,
              a->serial, m->holder);
    SIM_CHECK(sim,
              !m->is_delayed || may_be_gone(sim, m) ||
                  (int32_t)(virtual_now() - m->not_before) >= 0,
              "message %u came %d ms before its delay was over", id,
              (int)(m->not_before - virtual_now()));
}

void works_taken(struct sim *sim, struct actor *a, uint32_t id)
{
    struct message *m = message_at(sim, id);
    check_owner(sim, a, m, id);
    m->is_delayed = false;
    m->was_taken = true;
    m->fate = FATE_DONE;
}

/* The subscription that it came by. */
static int pattern_of(const struct actor *a, int channel)
{
    for (int i = 0; i < PATTERNS; i++)
        if (is_matched(i, channel) && a->subs[i].is_on)
            return i;
    return -1;
}

static void check_credit(struct sim *sim, const struct actor *a, int pattern)
{
    const struct subscription *sub = &a->subs[pattern];
    uint32_t held = 0;
    for (int i = 0; i < a->held; i++)
        held += a->holdings[i].pattern == pattern &&
                !a->holdings[i].is_doubtful &&
                has_time_left(sub->wait_ms, a->holdings[i].since);
    SIM_CHECK(sim, held <= sub->credit,
              "connection %u holds %u messages of %s, with credit for %u",
              a->serial, held, patterns[pattern].spelled, sub->credit);
}

static void check_try(struct sim *sim, const struct message *m, uint32_t id,
                      const struct said *u)
{
    uint64_t try = said_number(u, "try", 1);
    SIM_CHECK(sim, try > m->sure && try <= m->sure + m->maybe + 1 && try != 0,
              "message %u came %u to %u times before, and says try=%" PRIu64,
              id, m->sure, m->sure + m->maybe, try);
    if (try > 1)
        report_count(sim->report, REPORT_redelivered);
}

/* It is no longer the client's: it may be the rest of a unit that was begun
 * before, and somebody else may have it by now. */
static void note_foreign(struct actor *a, struct message *m, bool is_work)
{
    if (m->fate == FATE_UNKNOWN && !is_work)
        m->fate = FATE_MAYBE;
    m->maybe += is_work;
    m->is_ambiguous = true;
    m->came_at = virtual_now();
    if (m->holder == 0)
        m->holder = a->serial;
}

/* What it said of an earlier delivery may be read only now. */
static bool is_doubtful(struct actor *a, uint32_t id)
{
    for (uint32_t i = a->first_ask; i != a->next_ask; i++) {
        const struct ask *ask = actor_ask_at(a, i);
        if (ask->message == id &&
            (ask->kind == ASK_ACK || ask->kind == ASK_NAK) &&
            (ask->rid == 0 || !ask->is_answered))
            return true;
    }
    return false;
}

static void hold(struct sim *sim, struct actor *a, uint32_t id, int pattern)
{
    struct holding *before = holding_of(a, id);
    if (before)
        drop_holding(a, before);
    SIM_CHECK(sim, a->held < HOLDINGS, "connection %u holds too many",
              a->serial);
    a->holdings[a->held++] = (struct holding){
        .message = id,
        .pattern = (uint8_t)pattern,
        .is_doubtful = is_doubtful(a, id),
        .since = virtual_now(),
    };
    check_credit(sim, a, pattern);
}

void works_delivered(struct sim *sim, struct actor *a, uint32_t id,
                     const struct said *u)
{
    struct message *m = message_at(sim, id);
    int pattern = pattern_of(a, m->channel);
    SIM_CHECK(sim, pattern >= 0, "connection %u did not subscribe to %s",
              a->serial, names[m->channel].octets);
    const struct subscription *sub = &a->subs[pattern];
    bool is_sure = certainty_of(sim, a);
    bool is_anothers = m->fate == FATE_DONE || is_surely_held(sim, m, id);
    if (sub->ending > 0 || a->is_leaving || (!is_sure && is_anothers)) {
        note_foreign(a, m, sub->is_work);
        return;
    }
    if (is_sure)
        check_owner(sim, a, m, id);
    if (is_sure && m->sure + m->maybe < TRIES_MAX)
        check_try(sim, m, id, u);
    m->is_delayed = false;
    m->was_taken = true;
    m->holder = 0;
    if (!sub->is_work) {
        m->fate = is_sure ? FATE_DONE : FATE_MAYBE;
        m->is_ambiguous = !is_sure; /* it may be the rest of a unit */
        return;
    }
    m->sure += is_sure;
    m->maybe += !is_sure;
    m->holder = a->serial;
    m->came_at = virtual_now();
    m->is_ambiguous = !is_sure;
    hold(sim, a, id, pattern);
}

void works_settle(struct actor *a, int holding, struct ask *ask)
{
    struct holding *h = &a->holdings[holding];
    ask->message = h->message;
    ask->wait_ms = a->subs[h->pattern].wait_ms;
    ask->since = h->since;
    ask->is_touched = h->is_touched;
    ask->is_held = true;
    if (ask->kind == ASK_TOUCH)
        h->is_touched = true;
    else
        drop_holding(a, h);
}

/* What it said of an earlier delivery may have been read after a later one. */
static bool has_settled_before(struct actor *a, const struct ask *ask)
{
    for (uint32_t i = a->first_ask; actor_ask_at(a, i) != ask; i++) {
        const struct ask *before = actor_ask_at(a, i);
        if (before->message == ask->message &&
            (before->kind == ASK_ACK || before->kind == ASK_NAK))
            return true;
    }
    return false;
}

void works_note_read(struct sim *sim, struct actor *a, struct ask *ask)
{
    if (!ask->is_held || !certainty_of(sim, a))
        return;
    struct message *m = message_at(sim, ask->message);
    struct holding *h = holding_of(a, ask->message);
    if (m->holder != a->serial || !has_time_left(ask->wait_ms, ask->since))
        return;
    if (ask->kind == ASK_NAK) {
        m->is_delayed = !has_settled_before(a, ask);
        m->given_back = ask->end;
        m->given_back_turn = sim->turns;
        m->not_before = virtual_now() + ask->ms;
    } else if (h) {
        h->since = virtual_now();
    }
}

static void check_in_time(struct sim *sim, const struct ask *ask)
{
    uint32_t most = ask->wait_ms + ask->wait_ms / 100 + 100;
    bool came_again = message_at(sim, ask->message)->came_at != ask->since;
    if (!ask->is_held || ask->wait_ms == 0 || ask->is_touched || came_again ||
        sim->has_leapt || !ask->was_read)
        return;
    SIM_CHECK(sim, clock_elapsed_ms(ask->read_at, ask->since) <= most,
              "message %u was held for %u ms, and may be for %u", ask->message,
              clock_elapsed_ms(ask->read_at, ask->since), ask->wait_ms);
}

/* Nobody else got it since: it is answered once. */
static void check_acked(struct sim *sim, struct actor *a,
                        const struct message *m, const struct ask *ask)
{
    uint32_t id = ask->message;
    SIM_CHECK(sim,
              m->fate != FATE_DONE &&
                  (m->holder == a->serial || m->is_ambiguous),
              "connection %u acknowledged message %u of connection %u, which "
              "is%s done",
              a->serial, id, m->holder, m->fate == FATE_DONE ? "" : " not");
    SIM_CHECK(sim, !m->is_delayed || ask->end < m->given_back,
              "connection %u acknowledged message %u, which it gave back",
              a->serial, id);
}

void works_done(struct sim *sim, struct actor *a, const struct ask *ask)
{
    static const enum report_event events[ASK_KINDS] = {
        [ASK_ACK] = REPORT_acked,
        [ASK_NAK] = REPORT_naked,
        [ASK_TOUCH] = REPORT_touched,
    };
    struct message *m = message_at(sim, ask->message);
    SIM_CHECK(sim, ask->message > 0,
              "connection %u settled a message that never was", a->serial);
    report_count(sim->report, events[ask->kind]);
    check_in_time(sim, ask);
    if (ask->kind != ASK_ACK)
        return;
    check_acked(sim, a, m, ask);
    struct holding *h = holding_of(a, ask->message);
    if (h)
        drop_holding(a, h);
    m->holder = 0;
    m->fate = FATE_DONE;
}

static bool was_settled_before(struct sim *sim, struct actor *a,
                               const struct ask *ask)
{
    return has_settled_before(a, ask) || may_lag(sim, a) ||
           message_at(sim, ask->message)->fate != FATE_UNKNOWN;
}

void works_gone(struct sim *sim, struct actor *a, const struct ask *ask)
{
    report_count(sim->report, REPORT_gone);
    if (!ask->is_held || !certainty_of(sim, a) ||
        was_settled_before(sim, a, ask))
        return;
    SIM_CHECK(sim, !has_time_left(ask->wait_ms, ask->since),
              "connection %u holds message %u, which is said to be gone",
              a->serial, ask->message);
    report_count(sim->report, REPORT_expired);
}

void works_leave(struct actor *a, int pattern)
{
    for (int i = a->held; i-- > 0;)
        if (pattern < 0 || a->holdings[i].pattern == pattern)
            drop_holding(a, &a->holdings[i]);
}
