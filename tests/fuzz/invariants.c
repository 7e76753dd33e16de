/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/invariants.h"

#include "broker/core/queue.h"
#include "broker/net/stream.h"
#include "broker/session/partial.h"
#include "broker/session/state.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/unit_invariants.h"
#include "tests/unit/house.h"

struct sums {
    uint64_t bytes[ADMISSION_TOTAL];
    uint64_t promised_bytes;
    uint64_t sessions, undrained, paused, subscribers;
};

static bool is_starving(const struct session *s)
{
    return s->waiting.wait == WAIT_MEMORY && !list_is_empty(&s->waiting.link);
}

/* A session that is not read waits for something that will come. */
static void check_waits(const struct session *s)
{
    bool is_resting = stream_get_mode(s->stream) == STREAM_RESTING;
    if (s->state == SESSION_PAUSED || s->state == SESSION_ENDED)
        FUZZ_CHECK(is_resting &&
                   (publisher_is_waiting(&s->pub) || is_starving(s)));
    else
        FUZZ_CHECK(!publisher_is_waiting(&s->pub));
    if (s->state == SESSION_HELLO || s->state == SESSION_OPEN)
        FUZZ_CHECK(!is_resting);
    FUZZ_CHECK(s->state != SESSION_CLOSED);
}

static void add_partial(struct sums *sums, const struct partial *p)
{
    static const enum admission_class classes[] = {
        [BODY_WAITING] = ADMISSION_UNGRANTED,
        [BODY_GRANTED] = ADMISSION_GRANTED,
        [BODY_REVOKED] = ADMISSION_REVOKED,
    };
    FUZZ_CHECK(p->head_bytes > 0 && p->charged_head_bytes == p->head_bytes);
    FUZZ_CHECK(partial_is_large(p) == (p->body_state != BODY_NONE));
    FUZZ_CHECK(p->body_state != BODY_GRANTED ||
               p->charged_body_bytes == p->body_bytes);
    sums->bytes[ADMISSION_HEADS] += p->charged_head_bytes;
    if (p->body_state != BODY_NONE)
        sums->bytes[classes[p->body_state]] += p->charged_body_bytes;
    sums->promised_bytes += p->promised_bytes;
}

/* A dirty session was given something since it was last flushed. */
static void check_drained(const struct session *s)
{
    bool is_quiet = s->state == SESSION_STOPPED ||
                    s->state == SESSION_FINISHING || s->state == SESSION_ENDED;
    bool is_going_on = s->state == SESSION_OPEN || s->state == SESSION_PAUSED;
    bool is_drained = (is_quiet || (s->is_draining && is_going_on)) &&
                      session_kind(s)->owed_bytes(s) == 0;
    FUZZ_CHECK(s->is_drained == is_drained || !list_is_empty(&s->sub.dirty) ||
               unit_invariants_writes(s));
}

static void add_session(struct sums *sums, const struct session *s)
{
    if (s->kind == SESSION_UNITS)
        unit_invariants_check_session(s);
    else
        check_waits(s);
    check_drained(s);
    if (s->partial)
        add_partial(sums, s->partial);
    sums->sessions++;
    sums->undrained += !s->is_drained;
    sums->paused += s->state == SESSION_PAUSED || s->state == SESSION_ENDED;
    sums->subscribers += s->sub.state != SUBSCRIBER_NONE;
    if (s->kind == SESSION_UNITS)
        sums->subscribers += unit_invariants_lanes(s);
}

void invariants_check_clients(const struct house *h)
{
    const struct clients *all = &h->clients;
    struct sums sums = {.sessions = 0};
    LIST_EACH (link, &all->list)
        add_session(&sums, LIST_OF(link, struct session, link));
    FUZZ_CHECK(sums.sessions == all->count);
    FUZZ_CHECK(sums.undrained == all->undrained);
    for (size_t i = 0; i < ADMISSION_TOTAL; i++)
        FUZZ_CHECK(sums.bytes[i] == all->admission.bytes[i]);
    uint64_t host_bytes = 0;
    for (size_t i = 0; i < PEER_HOSTS; i++)
        host_bytes += all->admission.host_bytes[i];
    FUZZ_CHECK(host_bytes ==
               sums.bytes[ADMISSION_HEADS] + sums.bytes[ADMISSION_UNGRANTED]);
    FUZZ_CHECK(sums.promised_bytes == h->budget.promised_bytes);
    FUZZ_CHECK(sums.paused == house_count(h, COUNT_paused_publishers));
    FUZZ_CHECK(sums.subscribers == house_count(h, COUNT_subscribers));
    unit_invariants_check(h);
}

/* A channel has a reason to be there, and its gate one to be shut. */
static void check_channel(struct channel *ch, void *arg)
{
    uint32_t busy = 0;
    (void)arg;
    FUZZ_CHECK(!channel_is_unused(ch) || channel_is_touched(ch));
    if (ch->kind == &queue_kind)
        return;
    LIST_EACH (link, &ch->members)
        busy +=
            LIST_OF(link, struct subscriber, member)->state == SUBSCRIBER_BUSY;
    FUZZ_CHECK(ch->gate.closed == busy);
}

void invariants_check(struct house *h)
{
    invariants_check_clients(h);
    directory_each(&h->core.directory, check_channel, NULL);
}
