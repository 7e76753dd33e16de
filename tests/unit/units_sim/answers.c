/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/answers.h"

#include <inttypes.h>
#include <string.h>

#include "tests/unit/units_sim/actor.h"
#include "tests/unit/units_sim/body.h"
#include "tests/unit/units_sim/census.h"
#include "tests/unit/units_sim/certainty.h"
#include "tests/unit/units_sim/readers.h"
#include "tests/unit/units_sim/report.h"
#include "tests/unit/units_sim/said.h"
#include "tests/unit/units_sim/works.h"
#include "tests/unit/virtual_stream.h"

/* The ask that a unit answers; it has its answer now. */
static struct ask *take_ask(struct sim *sim, struct actor *a,
                            const struct said *u)
{
    uint64_t rid = said_number(u, "rid", 0);
    struct ask *ask =
        rid < UINT32_MAX ? actor_find_ask(a, (uint32_t)rid) : NULL;
    SIM_CHECK(sim, ask,
              "connection %u gets %s for rid %" PRIu64
              ", which is owed nothing",
              a->serial, u->words[0], rid);
    ask->is_answered = true;
    return ask;
}

/* Receipts on a channel come in the order of publishing. */
static void check_receipts_in_order(struct sim *sim, struct actor *a,
                                    const struct ask *ask)
{
    for (uint32_t i = a->first_ask; actor_ask_at(a, i) != ask; i++) {
        const struct ask *before = actor_ask_at(a, i);
        SIM_CHECK(sim,
                  before->is_answered || before->kind != ASK_PUB ||
                      before->what != ask->what,
                  "connection %u gets the receipt of rid %u before that of %u",
                  a->serial, (unsigned)ask->rid, (unsigned)before->rid);
    }
}

static void on_receipt(struct sim *sim, struct actor *a, const struct ask *ask,
                       const struct said *u)
{
    struct message *m = message_at(sim, ask->message);
    uint64_t seq = said_number(u, "seq", UINT64_MAX);
    uint64_t readers = said_number(u, "subs", UINT64_MAX);
    uint64_t drop =
        is_queue(ask->what) ? 0 : said_number(u, "drop", UINT64_MAX);
    SIM_CHECK(sim,
              seq != UINT64_MAX && readers != UINT64_MAX && drop != UINT64_MAX,
              "a receipt without its numbers");
    check_receipts_in_order(sim, a, ask);
    census_check(sim, ask, readers + drop);
    m->was_taken = true;
    if (drop > 0)
        report_count(sim->report, REPORT_skipped);
    if (seq > 0) {
        body_number(sim, ask->message, seq);
        return;
    }
    SIM_CHECK(sim, !is_queue(ask->what) && readers == 0 && m->number == 0,
              "message %u has a reader and no number", ask->message);
    m->fate = FATE_NEVER;
    report_count(sim->report, REPORT_unheard);
}

/* Without memory a subscription is refused, and what follows is another thing.
 */
static bool may_differ(const struct sim *sim)
{
    return sim->mood.is_faulty || sim->mood.is_short || sim->is_draining;
}

static void note_answered(struct subscription *sub)
{
    if (--sub->under_way == 0)
        sub->will_be_on = sub->is_on;
}

static void on_subscribed(struct sim *sim, struct actor *a,
                          const struct ask *ask, const struct said *u)
{
    struct subscription *sub = &a->subs[ask->what];
    SIM_CHECK(sim, !ask->expects || may_differ(sim),
              "connection %u subscribes, though %s", a->serial, ask->expects);
    sub->is_on = true;
    note_answered(sub);
    readers_subscribed(sim, a, ask->what, said_number(u, "seq", UINT64_MAX));
    census_changed(sim);
}

static void on_unsubscribed(struct sim *sim, struct actor *a,
                            const struct ask *ask, const struct said *u)
{
    struct subscription *sub = &a->subs[ask->what];
    SIM_CHECK(sim, !ask->expects || may_differ(sim),
              "connection %u unsubscribes, though %s", a->serial, ask->expects);
    sub->is_on = false;
    sub->ending--;
    note_answered(sub);
    readers_unsubscribed(sim, a, ask->what, said_number(u, "seq", UINT64_MAX));
    report_count(sim->report, REPORT_unsubscribed);
    census_changed(sim);
}

static void on_settled(struct sim *sim, struct actor *a, const struct ask *ask,
                       const struct said *u)
{
    (void)u;
    works_done(sim, a, ask);
}

/* The request that it answers can have no other one. */
static void accept_reply(struct sim *sim, uint32_t reply)
{
    uint32_t id = message_at(sim, reply)->other;
    struct message *request = message_at(sim, id);
    SIM_CHECK(sim, !request->is_replied || request->other == reply,
              "request %u is answered by %u and by %u", id, request->other,
              reply);
    SIM_CHECK(sim, message_at(sim, reply)->fate != FATE_NEVER,
              "reply %u was refused, and came", reply);
    request->is_replied = true;
    request->other = reply;
}

static void on_replied(struct sim *sim, struct actor *a, const struct ask *ask,
                       const struct said *u)
{
    (void)a;
    (void)u;
    accept_reply(sim, ask->message);
}

static void on_left(struct sim *sim, struct actor *a, const struct ask *ask,
                    const struct said *u)
{
    (void)ask;
    (void)u;
    for (uint32_t i = a->first_ask; i != a->next_ask; i++)
        SIM_CHECK(sim, actor_ask_at(a, i)->is_answered,
                  "connection %u has no answer for rid %u, and its BYE is "
                  "answered",
                  a->serial, (unsigned)actor_ask_at(a, i)->rid);
    report_count(sim->report, REPORT_bye);
}

static void on_nothing(struct sim *sim, struct actor *a, const struct ask *ask,
                       const struct said *u)
{
    (void)u;
    SIM_CHECK(sim, !ask->expects || may_differ(sim),
              "connection %u gets OK, though %s", a->serial, ask->expects);
}

static void on_unexpected(struct sim *sim, struct actor *a,
                          const struct ask *ask, const struct said *u)
{
    report_fail(sim->report, "connection %u gets %s for rid %u", a->serial,
                u->words[0], (unsigned)ask->rid);
}

void answers_ok(struct sim *sim, struct actor *a, const struct said *u)
{
    static void (*const rows[ASK_KINDS])(struct sim * sim, struct actor * a,
                                         const struct ask *ask,
                                         const struct said *u) = {
        [ASK_SUB] = on_subscribed,  [ASK_UNSUB] = on_unsubscribed,
        [ASK_PUB] = on_receipt,     [ASK_REQ] = on_unexpected,
        [ASK_ACK] = on_settled,     [ASK_NAK] = on_settled,
        [ASK_TOUCH] = on_settled,   [ASK_CREDIT] = on_nothing,
        [ASK_PING] = on_unexpected, [ASK_REPLY] = on_replied,
        [ASK_BYE] = on_left,        [ASK_BAD] = on_unexpected,
    };
    const struct ask *ask = take_ask(sim, a, u);
    rows[ask->kind](sim, a, ask, u);
}

/* It may be parked, whatever else is executed meanwhile. */
static bool may_wait(const struct ask *ask)
{
    return ask->kind == ASK_PUB || ask->kind == ASK_REQ ||
           ask->kind == ASK_REPLY;
}

void answers_pong(struct sim *sim, struct actor *a, const struct said *u)
{
    if (!said_option(u, "rid")) {
        SIM_CHECK(sim, a->pongs_due > 0, "connection %u gets PONG, unasked",
                  a->serial);
        a->pongs_due--;
        return;
    }
    const struct ask *ask = take_ask(sim, a, u);
    SIM_CHECK(sim, ask->kind == ASK_PING, "connection %u gets PONG for rid %u",
              a->serial, (unsigned)ask->rid);
    for (uint32_t i = a->first_ask; actor_ask_at(a, i) != ask; i++) {
        const struct ask *before = actor_ask_at(a, i);
        SIM_CHECK(sim, before->is_answered || may_wait(before),
                  "connection %u gets PONG before the answer to rid %u",
                  a->serial, (unsigned)before->rid);
    }
}

void answers_reply(struct sim *sim, struct actor *a, const struct said *u)
{
    const struct ask *ask = take_ask(sim, a, u);
    uint32_t id = body_read(sim, u->body, u->body_length, -1);
    SIM_CHECK(
        sim, ask->kind == ASK_REQ && message_at(sim, id)->other == ask->message,
        "connection %u gets a reply for rid %u that is for another", a->serial,
        (unsigned)ask->rid);
    accept_reply(sim, id);
    a->requests--;
    report_count(sim->report, REPORT_replied);
}

/* Errors. */

static void on_fatal(struct sim *sim, struct actor *a, const char *code)
{
    bool is_overrun = strcmp(code, "overrun") == 0;
    SIM_CHECK(sim, is_overrun || a->is_leaving || strcmp(code, "idle") == 0,
              "connection %u ends with %s", a->serial, code);
    if (is_overrun)
        report_count(sim->report, REPORT_overrun);
    a->is_doomed = true;
    census_changed(sim);
}

static bool is_fatal(const char *code)
{
    static const char *const codes[] = {"proto",   "too-big", "idle",
                                        "overrun", "auth",    "version"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

static void refuse_subscription(struct sim *sim, struct actor *a,
                                const struct ask *ask, const char *code)
{
    struct subscription *sub = &a->subs[ask->what];
    if (ask->kind == ASK_UNSUB)
        sub->ending--;
    note_answered(sub);
    if (strcmp(code, "exists") == 0)
        report_count(sim->report, REPORT_exists);
    if (strcmp(code, "limit") == 0)
        report_count(sim->report, REPORT_limit);
    census_changed(sim);
}

static void refuse_request(struct sim *sim, struct actor *a,
                           const struct ask *ask, const char *code)
{
    bool is_late = strcmp(code, "timeout") == 0;
    bool is_alone = strcmp(code, "no-responder") == 0;
    a->requests--;
    SIM_CHECK(sim,
              !is_late || !ask->was_read ||
                  clock_elapsed_ms(virtual_now(), ask->read_at) >= ask->ms,
              "rid %u of connection %u times out after %u ms of %u",
              (unsigned)ask->rid, a->serial,
              clock_elapsed_ms(virtual_now(), ask->read_at), ask->ms);
    SIM_CHECK(sim, !is_alone || ask->least_lanes == 0,
              "no responder for rid %u of connection %u, and there are %u",
              (unsigned)ask->rid, a->serial, ask->least_lanes);
    bool is_known = is_late || is_alone || strcmp(code, "slow") == 0 ||
                    strcmp(code, "limit") == 0;
    SIM_CHECK(
        sim,
        is_known || (strcmp(code, "gone") == 0 &&
                     (a->is_leaving || a->is_doomed || !certainty_of(sim, a))),
        "rid %u of connection %u gets %s", (unsigned)ask->rid, a->serial, code);
    if (is_alone) {
        SIM_CHECK(sim, message_at(sim, ask->message)->number == 0,
                  "a request without a responder was routed");
        message_at(sim, ask->message)->fate = FATE_NEVER;
    }
    report_count(sim->report, is_late    ? REPORT_timeout
                              : is_alone ? REPORT_no_responder
                                         : REPORT_refused);
}

/* True if it is one of those that may come for an ask of this kind. */
static bool refuse(struct sim *sim, struct actor *a, const struct ask *ask,
                   const char *code)
{
    bool is_gone = strcmp(code, "gone") == 0;
    switch (ask->kind) {
    case ASK_SUB:
    case ASK_UNSUB:
        refuse_subscription(sim, a, ask, code);
        return may_differ(sim) ||
               (ask->expects && strcmp(code, ask->expects) == 0);
    case ASK_CREDIT:
    case ASK_BAD:
        report_count(sim->report, REPORT_refused);
        return may_differ(sim) ||
               (ask->expects && strcmp(code, ask->expects) == 0);
    case ASK_ACK:
    case ASK_NAK:
    case ASK_TOUCH:
        if (is_gone)
            works_gone(sim, a, ask);
        return is_gone;
    case ASK_REQ:
        refuse_request(sim, a, ask, code);
        return true;
    case ASK_REPLY:
        SIM_CHECK(
            sim,
            !message_at(sim, message_at(sim, ask->message)->other)
                    ->is_replied ||
                message_at(sim, message_at(sim, ask->message)->other)->other !=
                    ask->message,
            "reply %u came, and was refused", ask->message);
        message_at(sim, ask->message)->fate = FATE_NEVER;
        return is_gone || strcmp(code, "slow") == 0;
    default:
        return false;
    }
}

/* Refused while the broker stops, or because it found no room in time when its
 * publisher left: nobody may get it. */
static bool refuse_draining(struct sim *sim, struct actor *a,
                            const struct ask *ask)
{
    if (ask->kind == ASK_PUB || ask->kind == ASK_REQ)
        message_at(sim, ask->message)->fate = FATE_NEVER;
    if (ask->kind == ASK_REQ)
        a->requests--;
    return ask->kind == ASK_PUB || ask->kind == ASK_REQ ||
           ask->kind == ASK_SUB || ask->kind == ASK_BAD;
}

void answers_error(struct sim *sim, struct actor *a, const struct said *u)
{
    const char *code = u->words[1];
    bool has_rid = said_option(u, "rid");
    if (is_fatal(code))
        on_fatal(sim, a, code);
    if (!has_rid) {
        bool is_due = is_fatal(code) || sim->is_draining || a->errors_due > 0;
        SIM_CHECK(sim, is_due, "connection %u gets %s, and asked nothing",
                  a->serial, code);
        a->errors_due -= !is_fatal(code) && a->errors_due > 0;
        return;
    }
    const struct ask *ask = take_ask(sim, a, u);
    bool may_drain = !certainty_of(sim, a);
    bool is_right = may_drain && strcmp(code, "draining") == 0
                        ? refuse_draining(sim, a, ask)
                        : refuse(sim, a, ask, code);
    SIM_CHECK(sim, is_right, "connection %u gets %s for rid %u, due is %s",
              a->serial, code, (unsigned)ask->rid,
              ask->expects ? ask->expects : "OK");
}

void answers_bye(struct sim *sim, struct actor *a)
{
    for (uint32_t i = a->first_ask; i != a->next_ask; i++) {
        const struct ask *ask = actor_ask_at(a, i);
        if (ask->is_answered || (ask->kind != ASK_PUB && ask->kind != ASK_REQ))
            continue;
        struct message *m = message_at(sim, ask->message);
        SIM_CHECK(sim, m->number == 0 && m->fate != FATE_DONE,
                  "message %u was published, and connection %u has no answer "
                  "for it",
                  ask->message, a->serial);
        m->fate = FATE_NEVER;
    }
}

/* Requests, and replies that wait for room at the requester. */
static void check_late(struct sim *sim, struct actor *a, struct ask *ask)
{
    enum { LATE_MS = 100 };
    bool is_bounded = ask->kind == ASK_REQ || ask->kind == ASK_REPLY;
    uint32_t most = ask->kind == ASK_REQ ? ask->ms : PATIENCE_MS;
    if (!is_bounded || ask->is_answered || !ask->was_read)
        return;
    uint32_t ms = clock_elapsed_ms(virtual_now(), ask->read_at);
    if (a->has_rested && clock_elapsed_ms(virtual_now(), a->rested_at) < ms)
        ms = clock_elapsed_ms(virtual_now(), a->rested_at);
    SIM_CHECK(sim, ms <= most + LATE_MS,
              "rid %u of connection %u has no answer after %u ms, in place of "
              "%u",
              (unsigned)ask->rid, a->serial, ms, most);
}

void answers_check_time(struct sim *sim)
{
    for (int i = 0; i < ACTORS; i++) {
        struct actor *a = &sim->actors[i];
        if (a->is_here && certainty_of(sim, a) && !virtual_is_full(a->wire) &&
            !sim->has_leapt)
            actor_each_ask(sim, a, check_late);
    }
}

/* What is answered when it is executed, and not before what it has to follow.
 */
static void check_at_once(struct sim *sim, struct actor *a)
{
    enum { TURNS = 3 };
    for (uint32_t i = a->first_ask; i != a->next_read; i++) {
        const struct ask *ask = actor_ask_at(a, i);
        if (ask->is_answered || may_wait(ask))
            continue;
        if (ask->kind == ASK_SUB || ask->kind == ASK_UNSUB)
            return;
        SIM_CHECK(sim, sim->turns - ask->read_turn <= TURNS,
                  "rid %u of connection %u has no answer after %u turns",
                  (unsigned)ask->rid, a->serial,
                  (unsigned)(sim->turns - ask->read_turn));
    }
}

void answers_check_turns(struct sim *sim)
{
    enum { REST_TURNS = 5 };
    for (int i = 0; i < ACTORS; i++) {
        struct actor *a = &sim->actors[i];
        bool has_rested =
            a->has_rested && sim->turns - a->rested_turn <= REST_TURNS;
        if (a->is_here && a->version == 2 && !has_rested &&
            certainty_of(sim, a) && !virtual_is_full(a->wire))
            check_at_once(sim, a);
    }
}
