/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/calm.h"

#include <inttypes.h>
#include <string.h>

#include "broker/session/state.h"
#include "tests/unit/units_sim/actor.h"
#include "tests/unit/units_sim/body.h"
#include "tests/unit/units_sim/certainty.h"
#include "tests/unit/units_sim/mishaps.h"
#include "tests/unit/units_sim/pass.h"
#include "tests/unit/units_sim/report.h"
#include "tests/unit/units_sim/steps.h"
#include "tests/unit/virtual_stream.h"

enum {
    ROUNDS = 200,
    ROUND_MS = 50,
    ROUNDS_MAX = 4000,
    LAST_TURNS = 5,
    DRAIN_ROUNDS = 100
};

static void take_all(struct sim *sim)
{
    for (int i = 0; i < ACTORS; i++) {
        struct actor *a = &sim->actors[i];
        if (!a->is_here)
            continue;
        a->appetite = UINT32_MAX;
        virtual_cut(a->wire, 0);
        if (a->version == 2 && actor_may_say(a))
            steps_settle_all(sim, a);
    }
}

static void put_consumers(struct sim *sim)
{
    for (int i = 0; i < QUEUES; i++)
        actor_connect(sim, &sim->actors[BUSY_ACTORS + i], 1, TOPICS + i);
}

static void check_answered(struct sim *sim, struct actor *a, struct ask *ask)
{
    SIM_CHECK(sim, ask->is_answered, "connection %u has no answer for rid %u",
              a->serial, (unsigned)ask->rid);
    SIM_CHECK(sim, ask->was_read, "connection %u is not read", a->serial);
}

static const struct channel *channel_at(const struct sim *sim, int i)
{
    const char *name = names[i].octets;
    return directory_find(&sim->house.core.directory, (const uint8_t *)name,
                          (uint32_t)strlen(name));
}

static void check_topics(struct sim *sim, struct actor *a)
{
    for (int i = 0; i < TOPICS; i++) {
        const struct channel *ch = channel_at(sim, i);
        const struct reader *r = &a->readers[i];
        SIM_CHECK(sim, !r->is_known || !ch || r->last == ch->number,
                  "connection %u has had %" PRIu64 " of %s, and there are "
                  "%" PRIu64,
                  a->serial, r->last, names[i].octets, ch->number);
    }
}

/* Every number is that of a message whose publisher was told so. */
static void check_numbers(struct sim *sim)
{
    for (int i = 0; i < CHANNELS; i++) {
        const struct channel *ch = channel_at(sim, i);
        uint32_t unknown = 0;
        for (uint64_t n = ch ? ch->base + 1 : 1; ch && n <= ch->number; n++)
            unknown += body_of_number(sim, i, n) == 0;
        SIM_CHECK(sim, unknown <= sim->unsure[i],
                  "%u numbers of %s are of no message", unknown,
                  names[i].octets);
    }
}

static void check_queues(struct sim *sim)
{
    for (uint32_t id = 1; id <= sim->message_count; id++) {
        const struct message *m = message_at(sim, id);
        bool is_owed = is_queue(m->channel) && m->was_taken && !m->is_request &&
                       m->fate == FATE_UNKNOWN;
        SIM_CHECK(sim, !is_owed,
                  "message %u of connection %u, number %" PRIu64 " of %s, is "
                  "lost; it came %u to %u times, last to connection %u",
                  id, m->serial, m->number, names[m->channel].octets, m->sure,
                  m->sure + m->maybe, m->holder);
    }
    SIM_CHECK(sim, house_count(&sim->house, COUNT_queued_messages) == 0,
              "%" PRIu64 " messages are left in queues",
              house_count(&sim->house, COUNT_queued_messages));
}

/* One that does not hold when it is asked to, and publishes into a queue that
 * is full of what it works on itself, is not read, and so does not go on; nor
 * does one that cannot be told more. */
static void break_stuck(struct sim *sim)
{
    for (int i = 0; i < ACTORS; i++) {
        struct actor *a = &sim->actors[i];
        bool rests = a->has_rested && a->rested_turn == sim->turns;
        bool is_mute = a->held > 0 && !actor_may_say(a);
        if (a->is_here && a->version == 2 && (rests || is_mute))
            actor_end(sim, a, VIRTUAL_RESET);
    }
}

static void settle_down(struct sim *sim)
{
    for (int i = 0; i < ROUNDS; i++) {
        take_all(sim);
        pass_time(sim, ROUND_MS);
    }
}

void calm_down(struct sim *sim)
{
    sim->is_calm = true;
    mishaps_end(sim);
    report_step(sim->report, "calm");
    take_all(sim); /* before the time of those that took nothing is over */
    pass_turn(sim);
    pass_turn(sim);
    put_consumers(sim);
    for (int i = 0; i < ACTORS; i++)
        if (actor_may_say(&sim->actors[i]))
            steps_open_windows(sim, &sim->actors[i]);
    settle_down(sim);
    break_stuck(sim);
    settle_down(sim);
    for (int i = 0; i < LAST_TURNS; i++) /* what was said in the last */
        pass_turn(sim);
    if (sim->mood.is_faulty)
        return;
    for (int i = 0; i < ACTORS; i++) {
        struct actor *a = &sim->actors[i];
        if (!a->is_here || a->version == 1 || !certainty_of(sim, a))
            continue;
        actor_each_ask(sim, a, check_answered);
        check_topics(sim, a);
        SIM_CHECK(sim, a->held_back == 0,
                  "connection %u was asked to hold, and never to go on",
                  a->serial);
    }
    check_queues(sim);
    if (sim->mood.is_receipted)
        check_numbers(sim);
}

static bool is_anybody_here(const struct sim *sim)
{
    for (int i = 0; i < ACTORS; i++)
        if (sim->actors[i].is_here)
            return true;
    return false;
}

void calm_hang_up(struct sim *sim)
{
    for (int i = 0; i < ACTORS; i++)
        if (sim->actors[i].is_here)
            actor_end(sim, &sim->actors[i],
                      once_in(sim, 2) ? VIRTUAL_CLOSED : VIRTUAL_HALF);
    for (int i = 0; i < ROUNDS_MAX && is_anybody_here(sim); i++) {
        take_all(sim);
        pass_time(sim, ROUND_MS);
    }
    LIST_EACH (link, &sim->house.clients.list) {
        const struct session *s = LIST_OF(link, struct session, link);
        report_fail(sim->report,
                    "all have gone, and session %" PRIu64 " is left, %s", s->id,
                    state_names[s->state]);
    }
}

static void check_farewell(struct sim *sim)
{
    for (int i = 0; i < ACTORS; i++) {
        const struct actor *a = &sim->actors[i];
        if (!a->is_here || a->version == 1 || a->is_broken || !a->has_info ||
            sim->mood.is_faulty)
            continue;
        SIM_CHECK(sim, a->has_bye,
                  "the broker stops, and connection %u gets no "
                  "BYE",
                  a->serial);
    }
}

/* As broker.c does; what is left is closed with the house. */
void calm_drain(struct sim *sim)
{
    bool is_drained = false;
    report_step(sim->report, "drain");
    sim->is_draining = true;
    core_stop(&sim->house.core);
    clients_drain(&sim->house.clients);
    actor_note_reads(sim);
    for (int i = 0; i < DRAIN_ROUNDS && !is_drained; i++) {
        take_all(sim);
        pass_time(sim, ROUND_MS);
        is_drained = clients_are_drained(&sim->house.clients);
    }
    if (is_drained)
        clients_finish(&sim->house.clients);
    else
        (void)clients_dismiss(&sim->house.clients);
    for (int i = 0; i < DRAIN_ROUNDS && is_anybody_here(sim); i++) {
        take_all(sim);
        pass_time(sim, ROUND_MS);
    }
    check_farewell(sim);
}
