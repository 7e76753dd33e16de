/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/hear.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/units_sim/actor.h"
#include "tests/unit/units_sim/answers.h"
#include "tests/unit/units_sim/body.h"
#include "tests/unit/units_sim/census.h"
#include "tests/unit/units_sim/readers.h"
#include "tests/unit/units_sim/report.h"
#include "tests/unit/units_sim/said.h"
#include "tests/unit/units_sim/works.h"
#include "tests/unit/virtual_stream.h"

enum { LENGTH_BYTES = 4 };

static int channel_of(struct sim *sim, const char *spelled)
{
    for (int i = 0; i < CHANNELS; i++)
        if (strcmp(names[i].spelled, spelled) == 0)
            return i;
    report_fail(sim->report, "there is no channel %s", spelled);
}

static void on_info(struct sim *sim, struct actor *a, const struct said *u)
{
    SIM_CHECK(sim, said_number(u, "v", 0) == 2, "INFO without v=2");
    a->has_info = true;
}

/* One that may be replied to. */
static void note_request(struct sim *sim, struct actor *a, const struct said *u,
                         uint32_t id)
{
    const char *address = said_option(u, "reply");
    SIM_CHECK(sim, !address == !message_at(sim, id)->is_request,
              "message %u: a request has an address, and nothing else", id);
    if (!address || a->duty_count == DUTIES)
        return;
    struct duty *d = &a->duties[a->duty_count++];
    d->message = id;
    (void)snprintf(d->address, sizeof d->address, "%s", address);
}

static void on_message(struct sim *sim, struct actor *a, const struct said *u)
{
    int channel = channel_of(sim, u->words[1]);
    uint32_t id = body_read(sim, u->body, u->body_length, channel);
    report_count(sim->report, REPORT_message);
    if (said_option(u, "Name"))
        report_count(sim->report, REPORT_message_headers);
    note_request(sim, a, u, id);
    if (!is_queue(channel)) {
        readers_message(sim, a, channel, u);
        return;
    }
    body_number(sim, id, said_argument(u, 2));
    works_delivered(sim, a, id, u);
}

static void on_gap(struct sim *sim, struct actor *a, const struct said *u)
{
    int channel = channel_of(sim, u->words[1]);
    if (!is_queue(channel))
        readers_gap(sim, a, channel, u);
}

static void on_ping(struct sim *sim, struct actor *a, const struct said *u)
{
    (void)u;
    report_count(sim->report, REPORT_pinged);
    if (actor_may_say(a))
        (void)actor_say(sim, a, ASK_PING, false, "PONG", "", 0);
}

static void on_bye(struct sim *sim, struct actor *a, const struct said *u)
{
    (void)u;
    answers_bye(sim, a);
    a->has_bye = true;
    if (sim->is_draining)
        report_count(sim->report, REPORT_drained);
    census_changed(sim);
}

static void on_hold(struct sim *sim, struct actor *a, const struct said *u)
{
    uint32_t bit = 1u << channel_of(sim, u->words[1]);
    SIM_CHECK(sim, !(a->held_back & bit),
              "connection %u gets HOLD for %s twice", a->serial, u->words[1]);
    a->held_back |= bit;
    report_count(sim->report, REPORT_hold);
}

static void on_go(struct sim *sim, struct actor *a, const struct said *u)
{
    uint32_t bit = 1u << channel_of(sim, u->words[1]);
    SIM_CHECK(sim, a->held_back & bit, "connection %u gets GO for %s, unheld",
              a->serial, u->words[1]);
    a->held_back &= ~bit;
    report_count(sim->report, REPORT_go);
}

static const struct {
    const char *verb;
    int arguments;
    void (*heard)(struct sim *sim, struct actor *a, const struct said *u);
} rows[] = {
    {"INFO", 1, on_info},      {"OK", 0, answers_ok},
    {"ERR", 1, answers_error}, {"MSG", 2, on_message},
    {"GAP", 3, on_gap},        {"REP", 0, answers_reply},
    {"PING", 0, on_ping},      {"PONG", 1, answers_pong},
    {"HOLD", 1, on_hold},      {"GO", 1, on_go},
    {"BYE", 0, on_bye},
};

static void hear_unit(struct sim *sim, struct actor *a, const struct said *u)
{
    actor_note_reads(sim);
    report_note(sim->report, a->serial, u);
    SIM_CHECK(sim, !a->has_bye, "connection %u gets %s after BYE", a->serial,
              u->words[0]);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!said_is(u, rows[i].verb))
            continue;
        SIM_CHECK(sim, u->arguments == rows[i].arguments,
                  "%s with %d arguments", u->words[0], u->arguments);
        rows[i].heard(sim, a, u);
        return;
    }
    report_fail(sim->report, "there is no verb %s", u->words[0]);
}

static void hear_message(struct sim *sim, struct actor *a, const uint8_t *body,
                         uint32_t n)
{
    actor_note_reads(sim);
    uint32_t id = body_read(sim, body, n, a->channel);
    report_count(sim->report, REPORT_message_v1);
    if (is_queue(a->channel))
        works_taken(sim, a, id);
    else
        readers_message_v1(sim, a, id);
}

static uint32_t length_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

/* The bytes that the first frame takes, once all of them are there; else 0. */
static uint32_t frame_in(const uint8_t *p, uint32_t n)
{
    if (n < LENGTH_BYTES || n - LENGTH_BYTES < length_at(p))
        return 0;
    return LENGTH_BYTES + length_at(p);
}

/* Takes one message or unit. Returns its bytes, 0: it is not complete. */
static uint32_t hear_next(struct sim *sim, struct actor *a, const uint8_t *p,
                          uint32_t n)
{
    static struct said u;
    uint32_t first = frame_in(p, n);
    if (first == 0)
        return 0;
    if (a->version == 1) {
        hear_message(sim, a, p + LENGTH_BYTES, first - LENGTH_BYTES);
        return first;
    }
    uint32_t second = frame_in(p + first, n - first);
    if (second == 0)
        return 0;
    SIM_CHECK(sim,
              said_parse(&u, p + LENGTH_BYTES, first - LENGTH_BYTES,
                         p + first + LENGTH_BYTES, second - LENGTH_BYTES),
              "connection %u gets a malformed head: %.*s", a->serial,
              (int)(first - LENGTH_BYTES), (const char *)p + LENGTH_BYTES);
    hear_unit(sim, a, &u);
    return first + second;
}

void hear_written(void *arg, int wire, const uint8_t *bytes, size_t n)
{
    struct sim *sim = arg;
    struct actor *a = actor_of_wire(sim, wire);
    SIM_CHECK(sim, n <= HEARD_ROOM - a->heard_bytes, "a unit without an end");
    memcpy(a->heard + a->heard_bytes, bytes, n);
    a->heard_bytes += (uint32_t)n;
    uint32_t at = 0, took;
    while ((took = hear_next(sim, a, a->heard + at, a->heard_bytes - at)) > 0)
        at += took;
    memmove(a->heard, a->heard + at, a->heard_bytes - at);
    a->heard_bytes -= at;
}

/* Nobody will say what became of it. */
static void give_up(struct sim *sim, struct actor *a, struct ask *ask)
{
    (void)a;
    if (ask->kind == ASK_PUB && !ask->is_answered)
        sim->unsure[ask->what]++;
    if (ask->kind == ASK_ACK && ask->message > 0 && !ask->is_answered &&
        message_at(sim, ask->message)->fate == FATE_UNKNOWN)
        message_at(sim, ask->message)->fate = FATE_MAYBE;
}

void hear_closed(void *arg, int wire)
{
    struct sim *sim = arg;
    struct actor *a = actor_of_wire(sim, wire);
    actor_note_reads(sim);
    bool may_break = a->version == 1 || a->is_broken || sim->mood.is_faulty ||
                     virtual_untaken(wire) > 0 || sim->is_draining;
    SIM_CHECK(sim, a->has_bye || may_break,
              "connection %u is closed without BYE", a->serial);
    if (!a->has_bye)
        report_count(sim->report, REPORT_broken);
    works_leave(a, -1);
    actor_each_ask(sim, a, give_up);
    a->is_doomed = true;
    census_changed(sim);
}
