/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/steps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tests/unit/units_sim/actor.h"
#include "tests/unit/units_sim/body.h"
#include "tests/unit/units_sim/census.h"
#include "tests/unit/units_sim/mishaps.h"
#include "tests/unit/units_sim/pass.h"
#include "tests/unit/units_sim/report.h"
#include "tests/unit/units_sim/works.h"
#include "tests/unit/virtual_stream.h"

/* Any actor that may say something, of this version, 0: any; or NULL. */
static struct actor *any_actor(struct sim *sim, uint8_t version)
{
    struct actor *a = &sim->actors[chance(sim, BUSY_ACTORS)];
    bool is_right = version == 0 || a->version == version;
    return a->is_here && is_right && actor_may_say(a) ? a : NULL;
}

/* Publishing. */

static uint32_t any_length(struct sim *sim)
{
    enum { LARGE = 60000, MIDDLE = 3000, SMALL = 80 };
    if (once_in(sim, 400))
        return BODY_LEAST + chance(sim, LARGE);
    return BODY_LEAST + chance(sim, once_in(sim, 20) ? MIDDLE : SMALL);
}

static void step_publish(struct sim *sim)
{
    static const char *const options[] = {"", "", "", " Name=v%20w X=1 X=2",
                                          " ?ttl=5s"};
    struct actor *a = any_actor(sim, sim->mood.is_receipted ? 2 : 0);
    if (!a)
        return;
    int channel = (int)chance(sim, CHANNELS);
    uint32_t n = 1 + chance(sim, once_in(sim, 10) ? 40 : 4), length = 0;
    report_step(sim->report, "%u publishes %u to %s", a->serial, n,
                names[channel].octets);
    for (; n > 0 && actor_may_say(a); n--) {
        bool has_rid = sim->mood.is_receipted || once_in(sim, 2);
        length = any_length(sim);
        (void)actor_publish(sim, a, channel, length, ASK_PUB,
                            has_rid && a->version == 2,
                            options[chance(sim, UNIT_COUNT(options))]);
    }
}

static void step_request(struct sim *sim)
{
    static const uint32_t timeouts[] = {1, 50, 700, 4000};
    struct actor *a = any_actor(sim, 2);
    char options[40];
    if (!a || a->requests >= REQUESTS_MAX + 1u)
        return;
    int channel = (int)chance(sim, CHANNELS);
    uint32_t ms = timeouts[chance(sim, 4)];
    (void)snprintf(options, sizeof options, " timeout=%ums Ask=1",
                   (unsigned)ms);
    report_step(sim->report, "%u requests at %s, for %u ms", a->serial,
                names[channel].octets, ms);
    struct ask *ask =
        actor_publish(sim, a, channel, any_length(sim), ASK_REQ, true, options);
    ask->ms = ms;
    a->requests++;
}

static void step_reply(struct sim *sim)
{
    struct actor *a = any_actor(sim, 2);
    char head[120];
    static uint8_t body[MAX_FRAME];
    if (!a || a->duty_count == 0)
        return;
    struct duty *d = &a->duties[chance(sim, (uint32_t)a->duty_count)];
    uint8_t channel = message_at(sim, d->message)->channel;
    uint32_t length = any_length(sim);
    uint32_t last = a->last_published[channel];
    uint32_t id = body_new(sim, a, channel, length, false);
    a->last_published[channel] = last;
    message_at(sim, id)->other = d->message;
    body_write(sim, id, body);
    (void)snprintf(head, sizeof head, "PUB %s Answer=1", d->address);
    report_step(sim->report, "%u replies to message %u", a->serial, d->message);
    actor_say(sim, a, ASK_REPLY, true, head, body, length)->message = id;
    if (!once_in(sim, 3))
        *d = a->duties[--a->duty_count];
}

/* Subscribing. */

static const char *due_for_sub(const struct actor *a, int pattern)
{
    int count = 0;
    for (int i = 0; i < PATTERNS; i++)
        count += a->subs[i].will_be_on;
    if (count >= SUBSCRIPTIONS_MAX)
        return "limit";
    return a->subs[pattern].will_be_on ? "exists" : NULL;
}

static void subscribe(struct sim *sim, struct actor *a, int pattern)
{
    struct subscription *sub = &a->subs[pattern];
    char head[200];
    int n = snprintf(head, sizeof head, "SUB %s", patterns[pattern].spelled);
    const char *due = due_for_sub(a, pattern);
    bool is_work = is_of_queues(pattern) && !once_in(sim, 4);
    uint32_t credit = 1 + chance(sim, 12);
    uint32_t wait_ms = once_in(sim, 2) ? 100 + chance(sim, 1500) : 0;
    if (is_work)
        n += snprintf(head + n, sizeof head - (size_t)n, " ack=yes credit=%u",
                      (unsigned)credit);
    if (is_work && wait_ms > 0)
        (void)snprintf(head + n, sizeof head - (size_t)n, " wait=%ums",
                       (unsigned)wait_ms);
    report_step(sim->report, "%u: %s", a->serial, head);
    struct ask *ask = actor_say(sim, a, ASK_SUB, true, head, "", 0);
    ask->what = (uint8_t)pattern;
    ask->expects = due;
    sub->under_way++;
    if (due)
        return;
    sub->will_be_on = true;
    sub->is_work = is_work;
    sub->credit = credit;
    sub->wait_ms = is_work ? wait_ms : 0;
}

static void unsubscribe(struct sim *sim, struct actor *a, int pattern)
{
    struct subscription *sub = &a->subs[pattern];
    char head[200];
    (void)snprintf(head, sizeof head, "UNSUB %s", patterns[pattern].spelled);
    report_step(sim->report, "%u: %s", a->serial, head);
    struct ask *ask = actor_say(sim, a, ASK_UNSUB, true, head, "", 0);
    ask->what = (uint8_t)pattern;
    ask->expects = sub->will_be_on ? NULL : "gone";
    sub->under_way++;
    sub->ending++;
    sub->will_be_on = false;
    works_leave(a, pattern);
}

/* Of queues either patterns or names: a queue has one place for a client. */
static bool suits(const struct actor *a, int pattern)
{
    bool is_wild = !is_exact(pattern);
    return !is_of_queues(pattern) || pattern == CHANNELS - 1 ||
           is_wild == a->uses_wildcards;
}

static void step_subscribe(struct sim *sim)
{
    struct actor *a = any_actor(sim, 2);
    int pattern = (int)chance(sim, PATTERNS);
    if (!a || !suits(a, pattern))
        return;
    const struct subscription *sub = &a->subs[pattern];
    if (sub->under_way > (is_of_queues(pattern) ? 0 : 3))
        return;
    if (sub->will_be_on ? !once_in(sim, 10) : once_in(sim, 20))
        unsubscribe(sim, a, pattern);
    else
        subscribe(sim, a, pattern);
    census_changed(sim);
}

/* Working. */

static struct ask *settle(struct sim *sim, struct actor *a, enum ask_kind kind,
                          int holding)
{
    static const char *const verbs[ASK_KINDS] = {
        [ASK_ACK] = "ACK", [ASK_NAK] = "NAK", [ASK_TOUCH] = "TOUCH"};
    const struct message *m = message_at(sim, a->holdings[holding].message);
    uint32_t delay_ms = once_in(sim, 2) ? chance(sim, 2000) : 0;
    char head[200];
    int n = snprintf(head, sizeof head, "%s %s %" PRIu64, verbs[kind],
                     names[m->channel].spelled, m->number);
    if (kind == ASK_NAK)
        (void)snprintf(head + n, sizeof head - (size_t)n, " delay=%ums",
                       (unsigned)delay_ms);
    report_step(sim->report, "%u: %s", a->serial, head);
    struct ask *ask = actor_say(sim, a, kind, !once_in(sim, 4), head, "", 0);
    ask->ms = delay_ms;
    works_settle(a, holding, ask);
    if (kind == ASK_ACK && ask->rid == 0) /* nobody says what became of it */
        message_at(sim, ask->message)->fate = FATE_MAYBE;
    return ask;
}

/* Of something that was settled before, or never held. */
static void say_stale(struct sim *sim, struct actor *a)
{
    int channel = TOPICS + (int)chance(sim, QUEUES);
    uint64_t number = 1 + chance(sim, 2000);
    char head[200];
    uint32_t id = body_of_number(sim, channel, number);
    const struct message *m = message_at(sim, id);
    if (id > 0 && m->holder == a->serial)
        return;
    (void)snprintf(head, sizeof head, "ACK %s %" PRIu64, names[channel].spelled,
                   number);
    report_step(sim->report, "%u, stale: %s", a->serial, head);
    actor_say(sim, a, ASK_ACK, true, head, "", 0)->message = id;
}

static void say_twice(struct sim *sim, struct actor *a, const struct ask *ask)
{
    char head[200];
    uint32_t id = ask->message;
    const struct message *m = message_at(sim, id);
    (void)snprintf(head, sizeof head, "ACK %s %" PRIu64,
                   names[m->channel].spelled, m->number);
    report_step(sim->report, "%u, again: %s", a->serial, head);
    actor_say(sim, a, ASK_ACK, true, head, "", 0)->message = id;
}

static void step_work(struct sim *sim)
{
    static const enum ask_kind kinds[] = {ASK_ACK, ASK_ACK, ASK_ACK,  ASK_ACK,
                                          ASK_ACK, ASK_NAK, ASK_TOUCH};
    struct actor *a = any_actor(sim, 2);
    if (!a)
        return;
    if (once_in(sim, 30))
        say_stale(sim, a);
    if (a->held == 0)
        return;
    enum ask_kind kind = kinds[chance(sim, UNIT_COUNT(kinds))];
    const struct ask *ask =
        settle(sim, a, kind, (int)chance(sim, (uint32_t)a->held));
    if (kind != ASK_TOUCH && once_in(sim, 10))
        say_twice(sim, a, ask);
}

static void set_credit(struct sim *sim, struct actor *a, int pattern,
                       uint32_t credit)
{
    struct subscription *sub = &a->subs[pattern];
    char head[200];
    (void)snprintf(head, sizeof head, "CREDIT %s %u", patterns[pattern].spelled,
                   (unsigned)credit);
    report_step(sim->report, "%u: %s", a->serial, head);
    struct ask *ask = actor_say(sim, a, ASK_CREDIT, true, head, "", 0);
    ask->expects = !sub->will_be_on ? "gone"
                   : sub->is_work   ? NULL
                                    : "bad-option";
    if (sub->credit < credit)
        sub->credit = credit;
}

static void step_credit(struct sim *sim)
{
    struct actor *a = any_actor(sim, 2);
    int pattern = (int)chance(sim, PATTERNS);
    if (a && suits(a, pattern) && is_of_queues(pattern))
        set_credit(sim, a, pattern, chance(sim, 12));
}

void steps_open_windows(struct sim *sim, struct actor *a)
{
    for (int i = 0; i < PATTERNS; i++)
        if (a->subs[i].is_work && a->subs[i].will_be_on)
            set_credit(sim, a, i, 10);
}

void steps_settle_all(struct sim *sim, struct actor *a)
{
    while (a->held > 0 && actor_may_say(a))
        (void)settle(sim, a, ASK_ACK, 0);
}

/* The rest. */

static void step_ping(struct sim *sim)
{
    struct actor *a = any_actor(sim, 2);
    if (!a)
        return;
    report_step(sim->report, "%u pings", a->serial);
    (void)actor_say(sim, a, ASK_PING, true, "PING token%20x", "", 0);
}

/* So many that the answers are too many, if it takes none. */
static void step_flood(struct sim *sim)
{
    enum { PINGS = 900 };
    struct actor *a = any_actor(sim, 2);
    if (!a || a->appetite > 200)
        return;
    report_step(sim->report, "%u pings %d times", a->serial, PINGS);
    actor_flood(a, PINGS);
}

static const struct {
    const char *head, *code;
    const char *body;
} bad[] = {
    {"SUB", "bad-head", ""},
    {"SUB /a /b", "bad-head", ""},
    {"FOO /a", "bad-verb", ""},
    {"PUB /a x=1", "bad-option", "b"},
    {"SUB /a*", "bad-channel", ""},
    {"PUB /sys/x", "denied", "b"},
    {"SUB /a credit=3", "bad-option", ""},
    {"UNSUB /a", "bad-body", "b"},
    {"ACK /queue/p x", "bad-option", ""},
    {"REQ /sys", "denied", "b"},
    {"SUB /queue/p credit=0 ack=yes", "bad-option", ""},
    {"PUB @none", "gone", "b"},
    {"PUB @/", "bad-channel", "b"},
};

static void step_bad(struct sim *sim)
{
    struct actor *a = any_actor(sim, 2);
    uint32_t which = chance(sim, UNIT_COUNT(bad));
    if (!a)
        return;
    report_step(sim->report, "%u: %s", a->serial, bad[which].head);
    actor_say(sim, a, ASK_BAD, true, bad[which].head, bad[which].body,
              (uint32_t)strlen(bad[which].body))
        ->expects = bad[which].code;
}

static void step_come(struct sim *sim)
{
    struct actor *a = &sim->actors[chance(sim, BUSY_ACTORS)];
    if (a->is_here)
        return;
    uint8_t version = sim->mood.is_receipted || !once_in(sim, 4) ? 2 : 1;
    int channel = once_in(sim, 4) ? -1 : (int)chance(sim, CHANNELS);
    actor_connect(sim, a, version, version == 1 ? channel : -1);
    report_step(sim->report, "%u comes, version %u", a->serial, version);
}

static void say_bye(struct sim *sim, struct actor *a)
{
    if (a->version == 1) {
        actor_end(sim, a, VIRTUAL_HALF);
        return;
    }
    (void)actor_say(sim, a, ASK_BYE, true, "BYE", "", 0);
    a->is_leaving = true;
    works_leave(a, -1);
    census_changed(sim);
}

static void step_go(struct sim *sim)
{
    struct actor *a = &sim->actors[chance(sim, BUSY_ACTORS)];
    if (!a->is_here || !once_in(sim, 3))
        return;
    uint32_t how = chance(sim, 4);
    report_step(sim->report, "%u goes, in way %u", a->serial, how);
    if (how == 0 && actor_may_say(a))
        say_bye(sim, a);
    else
        actor_end(sim, a, (int)(VIRTUAL_HALF + (how + 2) % 3));
    works_leave(a, -1);
}

static void step_appetite(struct sim *sim)
{
    struct actor *a = &sim->actors[chance(sim, BUSY_ACTORS)];
    if (!a->is_here)
        return;
    static const uint32_t appetites[] = {0, 100, 1000, 100000, 100000};
    a->appetite = appetites[chance(sim, UNIT_COUNT(appetites))];
    report_step(sim->report, "%u takes %u bytes in a turn", a->serial,
                a->appetite);
}

static void step_turn(struct sim *sim)
{
    report_step(sim->report, "turn");
    pass_turn(sim);
}

static void step_time(struct sim *sim)
{
    uint32_t ms = once_in(sim, 20) ? chance(sim, 3000) : chance(sim, 60);
    bool leaps = sim->mood.may_leap && once_in(sim, 20);
    report_step(sim->report, "%u ms%s", ms, leaps ? ", at once" : "");
    if (leaps)
        pass_leap(sim, ms);
    else
        pass_time(sim, ms);
}

static const struct {
    void (*take)(struct sim *sim);
    uint32_t weight;
} rows[] = {
    {step_publish, 260},  {step_turn, 260},    {step_work, 160},
    {step_subscribe, 60}, {step_time, 60},     {step_appetite, 12},
    {step_request, 20},   {step_reply, 30},    {step_credit, 10},
    {step_ping, 10},      {step_flood, 3},     {step_bad, 10},
    {step_come, 40},      {step_go, 12},       {mishaps_rules, 2},
    {mishaps_memory, 3},  {mishaps_fault, 10},
};

void steps_take(struct sim *sim)
{
    uint32_t total = 0;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        total += rows[i].weight;
    uint32_t at = chance(sim, total);
    size_t i = 0;
    for (; at >= rows[i].weight; i++)
        at -= rows[i].weight;
    rows[i].take(sim);
}
