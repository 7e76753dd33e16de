/* SPDX-License-Identifier: MIT */
#include "broker/session/clients_turn.h"

#include "broker/core/core.h"
#include "broker/net/reactor.h"
#include "broker/net/stream.h"
#include "broker/session/bypass.h"
#include "broker/session/clients.h"
#include "broker/session/closing.h"
#include "broker/session/identity.h"
#include "broker/session/notice.h"
#include "broker/session/partial.h"
#include "broker/session/reader.h"
#include "broker/session/session.h"
#include "broker/session/state.h"
#include "proto/frame.h"

static void clients_turn_on_timer(void *arg)
{
    struct clients *all = arg;
    clock_ms now = reactor_now_ms(all->reactor);
    /* What clients sent since may still be on its way. */
    if ((int32_t)(now - all->timer_at) >= CLIENTS_TURN_STALL_MS)
        waits_spare(&all->waits, CLIENTS_TURN_STALL_MS, now);
    core_set_now(all->core, now);
    waits_fire(&all->waits, now);
    for (size_t i = 0; i < SESSION_KINDS; i++)
        if (session_kinds[i]->tick)
            session_kinds[i]->tick(all, now);
    core_tick(all->core);
}

bool clients_turn_init(struct clients *all)
{
    clock_ms now = reactor_now_ms(all->reactor);
    footprint_init(&all->footprint, all->budget, now);
    all->timer = reactor_timer_new(all->reactor, clients_turn_on_timer, all);
    return all->timer != NULL;
}

void clients_turn_fini(struct clients *all)
{
    reactor_timer_free(all->timer);
}

static void on_flush(void *arg, struct subscriber *sub)
{
    struct session *s = session_of_subscriber(sub);
    (void)arg;
    session_kind(s)->offer(s, sub);
    identity_weigh(s);
}

static void on_flushed(void *arg)
{
    for (size_t i = 0; i < SESSION_KINDS; i++)
        if (session_kinds[i]->write)
            session_kinds[i]->write(arg);
}

static void on_doomed(void *arg, struct subscriber *sub)
{
    (void)arg;
    struct session *s = session_of_subscriber(sub);
    session_act(s, session_kind(s)->doom(s));
}

/* Of what was handed over: what is pledged is still in the outbox, and comes
 * last. */
static uint64_t on_unconfirmed(void *arg, struct subscriber *sub)
{
    (void)arg;
    const struct stream *stream = session_of_subscriber(sub)->stream;
    uint64_t unconfirmed = stream_unconfirmed(stream);
    uint64_t pledged = stream_pledged(stream);
    return unconfirmed > pledged ? unconfirmed - pledged : 0;
}

static void on_resume(void *arg, struct publisher *p)
{
    (void)arg;
    if (session_kinds[p->kind]->admitted)
        session_kinds[p->kind]->admitted(p);
    else
        session_resume(session_of_publisher(p));
}

/* Those that come later are not told. */
static void on_lost(void *arg, struct channel *ch, uint64_t first,
                    uint64_t last)
{
    (void)arg;
    LIST_EACH (link, &ch->members) {
        struct subscriber *sub = LIST_OF(link, struct subscriber, member);
        struct session *s = session_of_subscriber(sub);
        if (session_kind(s)->gap && sub->state != SUBSCRIBER_RETIRED)
            session_kind(s)->gap(s, ch, first, last);
    }
}

static bool on_is_ended(void *arg, const uint8_t *text, uint32_t length)
{
    for (size_t i = 0; i < SESSION_KINDS; i++)
        if (session_kinds[i]->is_ended &&
            session_kinds[i]->is_ended(arg, text, length))
            return true;
    return false;
}

static bool on_wants(void *arg, const uint8_t *name, uint32_t length)
{
    for (size_t i = 0; i < SESSION_KINDS; i++)
        if (session_kinds[i]->wants &&
            session_kinds[i]->wants(arg, name, length))
            return true;
    return false;
}

static bool on_appeared(void *arg, struct channel *ch)
{
    bool is_ok = true;
    for (size_t i = 0; i < SESSION_KINDS; i++)
        if (session_kinds[i]->appeared)
            is_ok &= session_kinds[i]->appeared(arg, ch);
    return is_ok;
}

struct core_owner clients_turn_core_owner(struct clients *all)
{
    return (struct core_owner){.flush = on_flush,
                               .flushed = on_flushed,
                               .close = on_doomed,
                               .unconfirmed = on_unconfirmed,
                               .resume = on_resume,
                               .slow = notice_slow,
                               .recovered = notice_recovered,
                               .pressed = notice_pressed,
                               .lost = on_lost,
                               .is_ended = on_is_ended,
                               .wants = on_wants,
                               .appeared = on_appeared,
                               .arg = all};
}

/* They take a little room each, one after another, so few may try in a turn. */
enum { BEGIN_MAX = 8 };

/* In order of arrival, except that a message that is too large for now does not
 * delay those behind it. A message that was begun under other bounds may be too
 * large forever. */
static void clients_turn_grant_memory_to(struct clients *all, bool is_known)
{
    uint64_t most = frame_size(all->config.max_frame_bytes);
    int begun = 0;
    LIST_EACH_SAFE (link, &all->waits.lists[WAIT_MEMORY]) {
        struct session *s = LIST_OF(link, struct session, waiting.link);
        if ((s->pub.messages_in > 0) != is_known)
            continue;
        if (!partial_is_large(s->partial)) {
            if (begun < BEGIN_MAX && reader_may_begin(s)) {
                begun++;
                session_resume(s);
            }
        } else if (s->partial->body_bytes > most) {
            session_close(s, REASON_FRAME_TOO_LONG);
        } else if (admission_grant(&all->admission, s->partial)) {
            session_resume(s);
        }
    }
}

/* Clients that have sent whole messages come first. */
static void clients_turn_grant_memory(struct clients *all)
{
    clients_turn_grant_memory_to(all, true);
    clients_turn_grant_memory_to(all, false);
}

static uint32_t clients_turn_timer_ms(struct clients *all, clock_ms now)
{
    uint32_t ms = waits_next_ms(&all->waits, now);
    if (core_is_ticking(all->core) && ms > CORE_TICK_MS)
        ms = CORE_TICK_MS;
    if (ms > core_alarm_ms(all->core))
        ms = core_alarm_ms(all->core);
    if (footprint_is_pending(&all->footprint) && ms > FOOTPRINT_IDLE_MS)
        ms = FOOTPRINT_IDLE_MS;
    for (size_t i = 0; i < SESSION_KINDS; i++) {
        uint32_t kind_ms = session_kinds[i]->wait_ms
                               ? session_kinds[i]->wait_ms(all, now)
                               : WAITS_FOREVER_MS;
        if (ms > kind_ms)
            ms = kind_ms;
    }
    return ms;
}

/* A timer that fires too early costs one check; setting it again in every turn
 * would cost more. */
static void clients_turn_schedule(struct clients *all, clock_ms now)
{
    uint32_t ms = clients_turn_timer_ms(all, now);
    bool is_early_enough = reactor_timer_is_running(all->timer) &&
                           (int32_t)(all->timer_at - (now + ms)) <= 0;
    if (ms == WAITS_FOREVER_MS || is_early_enough)
        return;
    all->timer_at = now + ms;
    (void)reactor_timer_start(all->timer, ms);
}

/* Returns true when a kind has more to do. */
static bool clients_turn_end_kinds(struct clients *all)
{
    bool has_work = false;
    for (size_t i = 0; i < SESSION_KINDS; i++)
        if (session_kinds[i]->end_turn)
            has_work |= session_kinds[i]->end_turn(all);
    return has_work;
}

void clients_turn_deliver(struct clients *all)
{
    all->turn_bytes = 0;
    core_set_now(all->core, reactor_now_ms(all->reactor));
    core_deliver(all->core);
    (void)clients_turn_end_kinds(all);
}

/* Those that said goodbye first come first. */
static void clients_turn_review_disk(struct clients *all)
{
    LIST_EACH_SAFE (link, &all->waits.lists[WAIT_DISK]) {
        struct session *s = LIST_OF(link, struct session, waiting.link);
        if (closing_awaits_disk(s) && !core_store_has_failed(all->core))
            break;
        session_act(s, closing_drained(s));
    }
}

/* Once: those that come later find out themselves. */
static void clients_turn_review_store(struct clients *all)
{
    if (all->has_store_failed || !core_store_has_failed(all->core))
        return;
    all->has_store_failed = true;
    LIST_EACH_SAFE (link, &all->list) {
        struct session *s = LIST_OF(link, struct session, link);
        if (session_kind(s)->freeze)
            session_act(s, session_kind(s)->freeze(s));
    }
}

bool clients_turn_end(void *arg)
{
    struct clients *all = arg;
    clock_ms now = reactor_now_ms(all->reactor);
    all->turn_bytes = 0;
    core_set_now(all->core, now);
    identities_press(all);
    bool is_reviewing = review_step(all);
    core_end_turn(all->core);
    clients_turn_review_disk(all);
    clients_turn_review_store(all);
    clients_turn_grant_memory(all);
    struct session *ended = bypass_give(all);
    if (ended)
        session_resume(ended);
    bool has_work = clients_turn_end_kinds(all);
    footprint_update(&all->footprint, now);
    clients_turn_schedule(all, now);
    return core_has_work(all->core) || has_work || is_reviewing;
}
