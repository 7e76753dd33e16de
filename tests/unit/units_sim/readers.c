/* SPDX-License-Identifier: MIT */
#include "tests/unit/units_sim/readers.h"

#include <inttypes.h>
#include <string.h>

#include "tests/unit/units_sim/body.h"
#include "tests/unit/units_sim/report.h"
#include "tests/unit/units_sim/said.h"

static bool is_covered(const struct actor *a, int channel)
{
    for (int i = 0; i < PATTERNS; i++)
        if (is_matched(i, channel) && a->subs[i].is_on)
            return true;
    return false;
}

/* The numbers from `first` to `last` came or were told of. */
static void continue_with(struct sim *sim, struct actor *a, int channel,
                          uint64_t first, uint64_t last, bool is_new)
{
    struct reader *r = &a->readers[channel];
    SIM_CHECK(sim, is_covered(a, channel),
              "connection %u did not subscribe to what it gets of %s",
              a->serial, names[channel].octets);
    SIM_CHECK(sim, first > 0 && first <= last && last < UINT32_MAX,
              "%" PRIu64 " to %" PRIu64 " are no numbers", first, last);
    bool follows = first == r->last + 1 && (!r->must_be_new || is_new);
    SIM_CHECK(sim, !r->is_known || follows || (is_new && first > r->last),
              "connection %u had %" PRIu64 " of %s, and then gets %" PRIu64
              "%s",
              a->serial, r->last, names[channel].octets, first,
              is_new ? ", new" : "");
    r->is_known = true;
    r->must_be_new = false;
    r->last = last;
    if (is_new)
        report_count(sim->report, REPORT_message_new);
}

static bool is_new(const struct said *u)
{
    return said_number(u, "new", 0) == 1;
}

void readers_message(struct sim *sim, struct actor *a, int channel,
                     const struct said *u)
{
    uint64_t number = said_argument(u, 2);
    uint32_t id = body_read(sim, u->body, u->body_length, channel);
    struct message *m = message_at(sim, id);
    continue_with(sim, a, channel, number, number, is_new(u));
    body_number(sim, id, number);
    SIM_CHECK(sim, m->fate != FATE_NEVER,
              "message %u was for nobody, and comes to connection %u", id,
              a->serial);
    m->was_taken = true;
}

void readers_gap(struct sim *sim, struct actor *a, int channel,
                 const struct said *u)
{
    const char *why = said_option(u, "why");
    bool is_slow = why && strcmp(why, "slow") == 0;
    bool is_memory = why && strcmp(why, "memory") == 0;
    SIM_CHECK(sim, is_slow || is_memory, "a gap says why=%s",
              why ? why : "nothing");
    report_count(sim->report, is_slow ? REPORT_gap_slow : REPORT_gap_memory);
    continue_with(sim, a, channel, said_argument(u, 2), said_argument(u, 3),
                  is_new(u));
}

void readers_message_v1(struct sim *sim, struct actor *a, uint32_t id)
{
    struct message *m = message_at(sim, id);
    uint32_t *serial = &a->order[m->serial % SERIALS].serial;
    uint32_t *last = &a->order[m->serial % SERIALS].message;
    SIM_CHECK(sim, *serial != m->serial || *last < id,
              "connection %u had message %u of connection %u, and then gets %u",
              a->serial, *last, m->serial, id);
    SIM_CHECK(sim, m->fate != FATE_NEVER,
              "message %u was for nobody, and comes to connection %u", id,
              a->serial);
    *serial = m->serial;
    *last = id;
    m->was_taken = true;
}

void readers_subscribed(struct sim *sim, struct actor *a, int pattern,
                        uint64_t seq)
{
    if (!is_exact(pattern) || is_queue(pattern))
        return;
    struct reader *r = &a->readers[pattern];
    SIM_CHECK(sim, seq < UINT32_MAX, "a subscription without a number");
    SIM_CHECK(sim, !r->is_known || seq >= r->last,
              "connection %u had %" PRIu64 " of %s, and subscribes at %" PRIu64,
              a->serial, r->last, names[pattern].octets, seq);
    r->must_be_new = r->is_known && seq > r->last;
    r->is_known = true;
    r->last = seq;
}

void readers_unsubscribed(struct sim *sim, struct actor *a, int pattern,
                          uint64_t seq)
{
    if (is_exact(pattern) && !is_queue(pattern)) {
        const struct reader *r = &a->readers[pattern];
        SIM_CHECK(sim, a->is_doomed || (r->is_known && r->last == seq),
                  "connection %u has had %" PRIu64
                  " of %s, and its subscription ends at %" PRIu64,
                  a->serial, r->last, names[pattern].octets, seq);
    }
    for (int i = 0; i < TOPICS; i++)
        if (is_matched(pattern, i) && !is_covered(a, i))
            a->readers[i] = (struct reader){.is_known = false};
}
