/* SPDX-License-Identifier: MIT */
#include "broker/session/sessions.h"

#include <stdlib.h>

#include "broker/core/core.h"
#include "broker/net/reactor.h"
#include "broker/session/inbox.h"
#include "broker/session/notice.h"
#include "broker/session/session.h"
#include "proto/frame.h"

/* What the end of each wait means. */
static const enum reason wait_reasons[WAIT_TOTAL] = {
    [WAIT_HELLO] = REASON_HELLO_TIMEOUT,
    [WAIT_FRAME] = REASON_FRAME_TIMEOUT,
    [WAIT_LEAVE] = REASON_LEAVE_TIMEOUT,
    [WAIT_FINISH] = REASON_STOPPING, /* not used: it has a reason already */
    [WAIT_MEMORY] = REASON_MEMORY,   /* not used: it has no end */
    [WAIT_SIP] = REASON_RESET,       /* not used: it ends nothing */
    [WAIT_ROOM] = REASON_EOF,        /* not used: it has no end */
};

static struct session *session_of_subscriber(struct subscriber *sub)
{
    return LIST_OF(sub, struct session, sub);
}

static void on_slow(void *arg, struct subscriber *sub)
{
    (void)arg;
    notice_slow(session_of_subscriber(sub));
}

static void on_recovered(void *arg, struct subscriber *sub)
{
    (void)arg;
    notice_recovered(session_of_subscriber(sub));
}

static void on_pressed(void *arg, const struct channel *ch)
{
    const struct sessions *all = arg;
    log_event(all->log, LOG_WARNING, "memory_short",
              LOG_BYTES("channel", channel_name(ch), channel_name_length(ch)),
              LOG_U64("held", ch->account.bytes),
              LOG_U64("memory", budget_level(all->budget)),
              LOG_U64("limit", all->budget->limit_bytes));
}

/* When the session was closed for it, the subscriber is NONE. */
static void on_flush(void *arg, struct subscriber *sub)
{
    (void)arg;
    session_flush(session_of_subscriber(sub));
    subscriber_flushed(sub);
}

static void on_doomed(void *arg, struct subscriber *sub)
{
    (void)arg;
    session_close(session_of_subscriber(sub), REASON_SLOW_CONSUMER);
}

static void on_resume(void *arg, struct publisher *p)
{
    (void)arg;
    session_resume(LIST_OF(p, struct session, pub));
}

struct core_owner sessions_core_owner(struct sessions *all)
{
    return (struct core_owner){.flush = on_flush,
                               .close = on_doomed,
                               .resume = on_resume,
                               .slow = on_slow,
                               .recovered = on_recovered,
                               .pressed = on_pressed,
                               .arg = all};
}

static void sessions_on_timer(void *arg);

static void on_nothing(void *arg)
{
    (void)arg;
}

bool sessions_init(struct sessions *all, const struct sessions_config *config,
                   struct reactor *reactor, struct core *core,
                   struct counters *counters, struct budget *budget,
                   struct log *log)
{
    *all = (struct sessions){.config = *config,
                             .reactor = reactor,
                             .core = core,
                             .counters = counters,
                             .budget = budget,
                             .log = log,
                             .on_closed = on_nothing};
    list_init(&all->all);
    for (size_t i = 0; i < WAIT_TOTAL; i++)
        list_init(&all->waits[i]);
    all->scratch = malloc(INBOX_TAIL_MAX + SESSIONS_READ_BYTES);
    all->timer = reactor_timer_new(reactor, sessions_on_timer, all);
    footprint_init(&all->footprint, budget, reactor_now_ms(reactor));
    return all->scratch && all->timer;
}

void sessions_close_all(struct sessions *all)
{
    LIST_EACH_SAFE (link, &all->all)
        session_close(LIST_OF(link, struct session, link), REASON_STOPPING);
    sessions_deliver(all);
}

void sessions_fini(struct sessions *all)
{
    sessions_close_all(all);
    reactor_timer_free(all->timer);
    free(all->scratch);
}

void sessions_add(struct sessions *all, int fd, const struct sockaddr *peer,
                  socklen_t length)
{
    struct session *s = session_new(all, fd, peer, length);
    counter_add(all->counters, COUNT_accepted, 1);
    all->accepted++;
    if (!s) {
        counter_add(all->counters, COUNT_closed_no_memory, 1);
        log_event(all->log, LOG_WARNING, "refused",
                  LOG_TEXT("reason", "no_memory"));
        return;
    }
    s->id = all->accepted;
    list_insert(&all->all, &s->link);
    all->count++;
    counter_set(all->counters, COUNT_connections, all->count);
    sessions_wait(all, s, WAIT_HELLO);
}

void sessions_tell_time(struct sessions *all)
{
    core_set_now(all->core, reactor_now_ms(all->reactor));
}

/* Every wait of a kind is as long, so its list is in the order of ending. */
void sessions_wait(struct sessions *all, struct session *s,
                   enum session_wait wait)
{
    list_remove(&s->wait);
    s->wait_since = reactor_now_ms(all->reactor);
    list_insert(&all->waits[wait], &s->wait);
}

static void sessions_count(struct sessions *all, struct session *s,
                           uint32_t tail_bytes, uint32_t loose_bytes)
{
    struct inbox *in = s->inbox;
    if (in == INBOX_NONE)
        return;
    all->tail_bytes += (uint64_t)tail_bytes - in->counted_bytes;
    uint64_t *sum = s->is_stale ? &all->stale_bytes : &all->loose_bytes;
    *sum += (uint64_t)loose_bytes - in->loose_bytes;
    in->counted_bytes = tail_bytes;
    in->loose_bytes = loose_bytes;
}

/* Messages that are only half here may have half of the memory: whoever
 * begins many and completes none shall not take it all. One may always be
 * under way. What is granted is counted as used, so it can be completed. */
bool sessions_grant_memory(struct sessions *all, struct session *s)
{
    struct inbox *in = s->inbox;
    uint64_t half = all->budget->limit_bytes / 2;
    bool is_modest =
        all->body_bytes == 0 || all->body_bytes + in->body_bytes <= half;
    if (all->budget->limit_bytes > 0 &&
        (!is_modest || !budget_has_room(all->budget, inbox_lacks(in))))
        return false;
    (void)inbox_promise(in, all->budget);
    all->body_bytes += in->body_bytes;
    sessions_count(all, s, in->tail_bytes, 0);
    s->is_stale = false;
    s->has_grant = true;
    return true;
}

bool sessions_may_begin(const struct sessions *all)
{
    uint64_t limit = all->budget->limit_bytes;
    return limit == 0 || all->tail_bytes + all->loose_bytes <= limit / 16;
}

void sessions_kept(struct sessions *all, struct session *s)
{
    const struct inbox *in = s->inbox;
    uint32_t body_bytes = in->body ? in->body->capacity : 0;
    sessions_count(all, s, in->tail_bytes, body_bytes);
}

void sessions_clear_inbox(struct sessions *all, struct session *s)
{
    sessions_count(all, s, 0, 0);
    if (s->has_grant)
        all->body_bytes -= s->inbox->body_bytes;
    s->has_grant = s->is_stale = false;
    inbox_release(&s->inbox, all->budget);
}

static void sessions_take_back_grant(struct sessions *all, struct session *s)
{
    all->body_bytes -= s->inbox->body_bytes;
    s->has_grant = false;
    s->is_stale = true;
    inbox_break_promise(s->inbox, all->budget);
    sessions_kept(all, s);
}

/* In the order of coming, but whoever fits goes first: one that is too large
 * for now does not hold up those behind it. One that was begun under other
 * bounds may be too large for ever. */
static void sessions_grant_waiting(struct sessions *all)
{
    uint64_t most = frame_size(all->config.max_frame_bytes);
    LIST_EACH_SAFE (link, &all->waits[WAIT_MEMORY]) {
        struct session *s = LIST_OF(link, struct session, wait);
        if (s->inbox->body_bytes > most)
            session_close(s, REASON_FRAME_TOO_LONG);
        else if (sessions_grant_memory(all, s))
            session_resume(s);
    }
}

static struct session *first_waiting(const struct sessions *all, size_t wait)
{
    const struct list *head = &all->waits[wait];
    return list_is_empty(head) ? NULL
                               : LIST_OF(head->next, struct session, wait);
}

/* Closes the session that has been silent longest in the middle of a frame,
 * if that is long. Not the one that has just gone on, for whose sake it is. */
static bool sessions_evict(struct sessions *all, const struct session *sake)
{
    clock_ms now = reactor_now_ms(all->reactor);
    LIST_EACH (link, &all->waits[WAIT_FRAME]) {
        struct session *s = LIST_OF(link, struct session, wait);
        if (s == sake)
            continue;
        if (clock_elapsed_ms(now, s->wait_since) < SESSIONS_STALLED_MS)
            break;
        session_close(s, REASON_FRAME_TIMEOUT);
        return true;
    }
    return false;
}

/* A quarter of the memory for the beginnings that everybody has while it
 * sends: many more than that at once are not senders. They are what still
 * grows when memory is full; then those who have not shown yet that they
 * bring whole messages get less. The others do not: closing one of them would
 * lose what it sends. */
static uint64_t sessions_part(const struct sessions *all,
                              const struct session *s)
{
    const struct budget *b = all->budget;
    bool is_trusted = budget_has_room(b, 0) || s->pub.messages_in > 0;
    return b->limit_bytes / (is_trusted ? 4 : 16);
}

/* What came of large messages has such a part to itself: who sends small ones
 * shall not have to give way to them. */
static bool sessions_has_part(const struct sessions *all,
                              const struct session *s, size_t tail_bytes,
                              size_t loose_bytes)
{
    uint64_t part = sessions_part(all, s);
    return all->tail_bytes + tail_bytes <= part &&
           (loose_bytes == 0 || all->loose_bytes + loose_bytes <= part);
}

bool sessions_may_keep(struct sessions *all, const struct session *s,
                       size_t tail_bytes, size_t loose_bytes)
{
    if (all->budget->limit_bytes == 0)
        return true;
    while (!sessions_has_part(all, s, tail_bytes, loose_bytes))
        if (!sessions_evict(all, s))
            return false;
    return true;
}

/* Of whom little has come, all together: what came stays. */
static bool sessions_may_take_back(const struct sessions *all,
                                   const struct session *s)
{
    uint64_t most = all->budget->limit_bytes / 8;
    return s->has_grant && all->stale_bytes + s->inbox->body->capacity <= most;
}

/* While others wait for memory, whoever has it and does not go on gives it
 * back: what comes then has to wait again. */
static void sessions_take_back_grants(struct sessions *all)
{
    clock_ms now = reactor_now_ms(all->reactor);
    LIST_EACH (link, &all->waits[WAIT_FRAME]) {
        struct session *s = LIST_OF(link, struct session, wait);
        if (clock_elapsed_ms(now, s->wait_since) < SESSIONS_IDLE_GRANT_MS)
            break;
        if (sessions_may_take_back(all, s))
            sessions_take_back_grant(all, s);
    }
}

static void sessions_expire(struct sessions *all, clock_ms now)
{
    for (size_t i = 0; i < WAIT_TOTAL; i++) {
        struct session *s;
        while ((s = first_waiting(all, i)) != NULL &&
               clock_elapsed_ms(now, s->wait_since) >= all->config.wait_ms[i])
            session_on_timeout(s, wait_reasons[i]);
    }
}

/* How long until the timer is needed; false when it is not. */
static bool sessions_next_ms(const struct sessions *all, clock_ms now,
                             uint32_t *ms)
{
    *ms = SESSIONS_FOREVER_MS;
    for (size_t i = 0; i < WAIT_TOTAL; i++) {
        const struct session *s = first_waiting(all, i);
        uint32_t limit = all->config.wait_ms[i];
        if (!s || limit == SESSIONS_FOREVER_MS)
            continue;
        uint32_t gone = clock_elapsed_ms(now, s->wait_since);
        uint32_t left = gone < limit ? limit - gone : 0;
        if (left < *ms)
            *ms = left;
    }
    if (core_is_ticking(all->core) && *ms > CORE_TICK_MS)
        *ms = CORE_TICK_MS;
    if (footprint_is_pending(&all->footprint) && *ms > FOOTPRINT_IDLE_MS)
        *ms = FOOTPRINT_IDLE_MS;
    if (first_waiting(all, WAIT_FINISH) && *ms > SESSIONS_FINISH_MS)
        *ms = SESSIONS_FINISH_MS;
    if (first_waiting(all, WAIT_MEMORY) && *ms > SESSIONS_IDLE_GRANT_MS)
        *ms = SESSIONS_IDLE_GRANT_MS;
    return *ms != SESSIONS_FOREVER_MS;
}

/* A timer that fires too early costs one look; one that is set anew in every
 * turn would cost more. */
static void sessions_schedule(struct sessions *all)
{
    clock_ms now = reactor_now_ms(all->reactor);
    uint32_t ms;
    if (!sessions_next_ms(all, now, &ms))
        return;
    bool is_early_enough = reactor_timer_is_running(all->timer) &&
                           (int32_t)(all->timer_at - (now + ms)) <= 0;
    if (is_early_enough)
        return;
    all->timer_at = now + ms;
    (void)reactor_timer_start(all->timer, ms);
}

static void sessions_on_timer(void *arg)
{
    struct sessions *all = arg;
    sessions_tell_time(all);
    sessions_expire(all, reactor_now_ms(all->reactor));
    core_tick(all->core);
    if (first_waiting(all, WAIT_MEMORY))
        sessions_take_back_grants(all);
    LIST_EACH_SAFE (link, &all->waits[WAIT_FINISH])
        session_check_finished(LIST_OF(link, struct session, wait));
}

void sessions_deliver(struct sessions *all)
{
    all->turn_bytes = 0;
    sessions_tell_time(all);
    core_deliver(all->core);
}

/* Publishers that have ended keep their descriptors while a queue is full, and
 * if they keep them all, nobody can come to empty it. Then the one that ended
 * first is read past the gates: there is no more of it than what our kernel
 * holds, and its descriptor is free after that. */
static void sessions_free_descriptor(struct sessions *all)
{
    struct session *s = first_waiting(all, WAIT_ROOM);
    if (!all->wants_descriptor || !s || budget_is_short(all->budget))
        return;
    all->wants_descriptor = false;
    session_let_past(s);
}

bool sessions_end_turn(void *arg)
{
    struct sessions *all = arg;
    all->turn_bytes = 0;
    sessions_tell_time(all);
    core_end_turn(all->core);
    sessions_grant_waiting(all);
    sessions_free_descriptor(all);
    footprint_update(&all->footprint, reactor_now_ms(all->reactor));
    sessions_schedule(all);
    return core_has_work(all->core);
}

void sessions_drain(struct sessions *all)
{
    /* Stopping one may close another, so no place in the list is kept. */
    struct list stopped, *link;
    list_init(&stopped);
    while ((link = list_pop(&all->all)) != NULL) {
        list_insert(&stopped, link);
        session_stop(LIST_OF(link, struct session, link));
    }
    while ((link = list_pop(&stopped)) != NULL)
        list_insert(&all->all, link);
}

void sessions_finish(struct sessions *all)
{
    LIST_EACH_SAFE (link, &all->all) {
        struct session *s = LIST_OF(link, struct session, link);
        if (s->state == SESSION_STOPPED)
            session_finish(s);
        else if (s->state == SESSION_ENDED)
            session_close(s, REASON_STOPPING);
    }
}

bool sessions_are_drained(const struct sessions *all)
{
    LIST_EACH (link, &all->all) {
        const struct session *s = LIST_OF(link, struct session, link);
        /* One that has ENDED goes on when a channel has room again, which
         * depends on the others. */
        if (s->state != SESSION_STOPPED && s->state != SESSION_FINISHING &&
            s->state != SESSION_ENDED)
            return false;
        if (!backlog_is_empty(s->sub.outbox))
            return false;
    }
    return core_is_drained(all->core);
}
