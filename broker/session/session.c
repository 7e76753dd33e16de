/* SPDX-License-Identifier: MIT */
#include "broker/session/session.h"

#include <assert.h>

#include "broker/net/stream.h"
#include "broker/session/bypass.h"
#include "broker/session/clients.h"
#include "broker/session/closing.h"
#include "broker/session/guest.h"
#include "broker/session/identity.h"
#include "broker/session/notice.h"
#include "broker/session/partial.h"
#include "broker/session/reader.h"
#include "broker/session/state.h"

_Static_assert(sizeof(struct session) <= 232, "idle clients cost little");

static const struct stream_events session_events;

static size_t session_read(struct session *s);

static void session_wait(struct session *s, enum wait_kind wait)
{
    waits_begin(&s->all->waits, &s->waiting, wait,
                reactor_now_ms(s->all->reactor));
}

/* Coming and going. */

struct session *session_new(struct clients *all, int fd,
                            const struct sockaddr *peer, socklen_t length,
                            struct demands demands)
{
    struct session *s = budget_zalloc(all->budget, sizeof *s);
    struct stream *stream = stream_open(all->reactor, fd, &session_events, s);
    if (!s || !stream) {
        if (stream)
            stream_close(stream);
        budget_free(all->budget, s, sizeof *s);
        return NULL;
    }
    if (core_has_store(all->core))
        stream_expect_reset_on_kill(stream);
    s->magic = SESSION_MAGIC;
    s->all = all;
    s->stream = stream;
    s->id = all->accepted;
    s->peer = peer_of(peer, length);
    s->kind = SESSION_V1;
    s->demands = demands;
    s->is_exempt = !demands.must_be_known;
    s->is_guest = guest_is_next(all);
    s->state = SESSION_HELLO;
    subscriber_init(&s->sub);
    publisher_init(&s->pub);
    waiting_init(&s->waiting);
    list_insert(&all->list, &s->link);
    all->count++;
    all->undrained++;
    counter_set(all->counters, COUNT_connections, all->count);
    session_wait(s, WAIT_HELLO);
    if (!identity_begin(s, fd)) {
        session_close(s, REASON_NO_MEMORY);
        return NULL;
    }
    return s;
}

static void session_free(struct deferred *d)
{
    struct session *s = LIST_OF(d, struct session, deferred);
    assert(s->magic == SESSION_MAGIC && s->state == SESSION_CLOSED);
    s->magic = 0;
    budget_free(s->all->budget, s, sizeof *s);
}

/* A client that sent nothing is a port scan or a health check: it is counted,
 * but logged only at the lowest level. */
static void session_count_closed(const struct session *s, struct verdict v)
{
    const struct reason_row *row = &reason_rows[v.reason];
    bool is_silent = s->state == SESSION_HELLO && !s->partial && !s->is_left &&
                     (v.reason == REASON_EOF || v.reason == REASON_RESET);
    counter_add(s->all->counters, COUNT_closed, 1);
    s->all->closed[v.reason]++;
    if (is_silent)
        counter_add(s->all->counters, COUNT_closed_silent, 1);
    else if (row->is_counted)
        counter_add(s->all->counters, row->counter, 1);
    notice_closed(s, v, is_silent ? LOG_DEBUG : row->level);
}

static void session_end(struct session *s, struct verdict why)
{
    struct clients *all = s->all;
    assert(s->magic == SESSION_MAGIC && s->state != SESSION_CLOSED);
    session_count_closed(s, why);
    if (closing_must_reset(s, why.reason))
        stream_abort_on_close(s->stream);
    else if (s->pub.is_durable && why.reason == REASON_EOF)
        stream_end_on_close(s->stream); /* it has not asked for an answer */
    bool is_orderly = closing_is_orderly(s, why.reason);
    publisher_forget(&s->pub);
    session_kind(s)->abandon(s);
    if (is_orderly) /* counted, it would be taken for messages */
        stream_say_end(s->stream);
    admission_release(&all->admission, &s->partial);
    state_set(s, SESSION_CLOSED);
    waits_end(&s->waiting);
    identity_end(s);
    if (all->shown_next == &s->link)
        all->shown_next = s->link.next;
    round_skip(&all->review.round, s);
    list_remove(&s->link);
    stream_close(s->stream);
    s->deferred.free = session_free;
    reactor_defer(all->reactor, &s->deferred);
    all->count--;
    counter_set(all->counters, COUNT_connections, all->count);
    all->on_closed(all->on_closed_arg);
}

/* False if it failed and the session was closed. */
static bool session_set_stream(struct session *s, enum stream_mode mode,
                               bool wants_write)
{
    if (stream_set(s->stream, mode, wants_write))
        return true;
    session_close(s, REASON_NO_MEMORY);
    return false;
}

/* Pausing and resuming. */

static void session_pause(struct session *s)
{
    if (guest_must_go(s, publisher_waits_for(&s->pub))) {
        session_close(s, REASON_NO_PLACE);
        return;
    }
    state_set(s, SESSION_PAUSED);
    session_wait(s, WAIT_SIP);
    if (session_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream)))
        notice_paused(s);
}

/* Without sips: they would only add to what the client is owed. */
static void session_rest(struct session *s)
{
    state_set(s, SESSION_PAUSED);
    session_kind(s)->await(s);
    session_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream));
}

/* Its user has sent, or holds, what it may. */
static void session_slow_down(struct session *s)
{
    const struct session_kind *kind = session_kind(s);
    if (kind->ration && !kind->ration(s)) {
        session_close(s, REASON_NO_MEMORY);
        return;
    }
    counter_add(s->all->counters, COUNT_user_pauses, 1);
    state_set(s, SESSION_PAUSED);
    session_wait(s, WAIT_RATE);
    session_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream));
}

static void session_starve(struct session *s)
{
    counter_add(s->all->counters, COUNT_memory_waits, 1);
    state_set(s, SESSION_PAUSED);
    session_wait(s, WAIT_MEMORY);
    session_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream));
}

/* There is no room for the beginning of its message, which stays in the kernel.
 * The session is read again when more of it has arrived: then it may be whole.
 */
static void session_leave(struct session *s)
{
    if (!s->is_left)
        counter_add(s->all->counters, COUNT_beginnings_left, 1);
    s->is_left = true;
    if (s->state == SESSION_OPEN)
        reader_watch(s);
    session_set_stream(s, STREAM_ARRIVALS, stream_wants_write(s->stream));
}

/* It was left, and read again with success, or it waits for something else. */
static void session_take_up(struct session *s)
{
    s->is_left = false;
    if (state_is_read(s))
        session_set_stream(s, STREAM_READING, stream_wants_write(s->stream));
}

void session_resume(struct session *s)
{
    assert(s->state == SESSION_PAUSED || s->state == SESSION_ENDED);
    state_set(s, SESSION_OPEN);
    s->has_turn = true;
    if (s->partial) /* it could not go on coming */
        s->partial->since = reactor_now_ms(s->all->reactor);
    notice_resumed(s);
    reader_watch(s);
    if (session_set_stream(s, STREAM_READING, stream_wants_write(s->stream)) &&
        s->partial && s->partial->is_unread)
        (void)session_read(s);
}

bool session_hold_hello(struct session *s)
{
    assert(s->state == SESSION_HELLO);
    s->is_left = false;
    return stream_set(s->stream, STREAM_RESTING, stream_wants_write(s->stream));
}

void session_act(struct session *s, struct verdict v)
{
    switch (v.what) {
    case VERDICT_GO_ON:
        break;
    case VERDICT_WAIT_GATE:
        session_pause(s);
        break;
    case VERDICT_WAIT_MEMORY:
        session_starve(s);
        break;
    case VERDICT_WAIT_RATE:
        session_slow_down(s);
        break;
    case VERDICT_LEAVE:
        session_leave(s);
        break;
    case VERDICT_REST:
        session_rest(s);
        break;
    case VERDICT_GOODBYE:
        session_act(s, closing_leave(s, v.reason));
        break;
    case VERDICT_CLOSE:
        session_end(s, v);
        break;
    }
}

/* Reading. */

static void session_set_now(const struct session *s)
{
    core_set_now(s->all->core, reactor_now_ms(s->all->reactor));
}

/* Does what follows from a read. */
static void session_act_on_read(struct session *s, struct verdict v, size_t got)
{
    if (s->is_left && v.what != VERDICT_LEAVE && v.what != VERDICT_CLOSE)
        session_take_up(s);
    if (s->state == SESSION_CLOSED)
        return;
    if (v.what == VERDICT_GO_ON && got > 0)
        v = reader_next(s);
    else if (v.what == VERDICT_GO_ON)
        reader_watch_part(s);
    session_act(s, v);
}

/* Units may have come behind the opening. */
void session_go_on(struct session *s)
{
    session_set_now(s);
    if (session_set_stream(s, STREAM_READING, stream_wants_write(s->stream)))
        session_act_on_read(s, reader_go_on(s), 1);
}

/* What comes counts against what the client's user may send. */
static struct verdict session_read_charged(struct session *s, size_t *got)
{
    uint64_t before = s->pub.messages_in;
    struct verdict v = reader_read(s, got);
    identity_charge(s, s->pub.messages_in - before, *got);
    identity_weigh(s);
    return v;
}

static size_t session_read(struct session *s)
{
    size_t got;
    bool was_open = s->state == SESSION_OPEN;
    session_set_now(s);
    struct verdict v = s->all->identities ? session_read_charged(s, &got)
                                          : reader_read(s, &got);
    if (was_open && got > 0)
        stream_promote(s->stream); /* it does more than listen */
    session_act_on_read(s, v, got);
    return got;
}

static void session_on_readable(void *owner)
{
    struct session *s = owner;
    if (s->state == SESSION_FINISHING) {
        session_act(s, closing_discard(s));
        return;
    }
    struct clients *all = s->all;
    (void)session_read(s);
    if (all->turn_bytes >= READER_MAX_BYTES)
        reactor_yield(all->reactor); /* enough for one turn: deliver it */
}

void session_on_sip(struct waiting *w)
{
    struct session *s = LIST_OF(w, struct session, waiting);
    if (!bypass_goes_on(s)) {
        waits_end(w);
        return;
    }
    struct verdict v = verdict(VERDICT_GO_ON);
    if (bypass_wants_sip(s))
        v = reader_sip(s);
    session_act(s, v);
    if (s->state == SESSION_PAUSED)
        session_wait(s, WAIT_SIP);
}

/* The client has closed and reads no more: sending what it is owed would only
 * turn the orderly end into a reset. What it published is still to be read. */
static void session_on_end_of_paused(struct session *s)
{
    bypass_take(s);
    if (publisher_is_waiting(&s->pub))
        session_wait(s, WAIT_ROOM); /* no more sips: the end has arrived */
    session_kind(s)->abandon(s);
    state_set(s, SESSION_ENDED);
    session_set_stream(s, STREAM_RESTING, false);
}

/* LEAVING: the client may still read until it has everything. ENDED: what it
 * sent before its end is still to be read. */
static void session_on_end(void *owner, enum stream_status how)
{
    struct session *s = owner;
    session_set_now(s);
    if (s->state == SESSION_ENDED)
        return;
    if (s->state == SESSION_FINISHING)
        session_close(s, closing_reason(s));
    else if (how == STREAM_RESET)
        session_close(s, REASON_RESET);
    else if (s->state == SESSION_STOPPED)
        session_close(s, REASON_EOF);
    else if (s->state == SESSION_PAUSED && session_kind(s)->hung_up)
        session_kind(s)->hung_up(s);
    else if (s->state == SESSION_PAUSED)
        session_on_end_of_paused(s);
    else if (s->is_left) /* the message will never be whole */
        session_act(s, session_kind(s)->end(s));
}

/* Writing. */

/* The client takes nothing more. What it was given it need not take any more,
 * either, before it is read on. */
static void session_on_broken_pause(struct session *s)
{
    if (publisher_is_waiting(&s->pub) || s->waiting.wait == WAIT_MEMORY ||
        s->waiting.wait == WAIT_RATE) {
        session_on_end_of_paused(s);
        return;
    }
    session_kind(s)->abandon(s);
    session_resume(s);
}

static void session_on_broken_output(struct session *s, enum stream_status how)
{
    switch (s->state) {
    case SESSION_OPEN:
        /* Reading goes on: what the client published before is still in the
         * kernel, and reading reports the end once that is processed. */
        session_kind(s)->abandon(s);
        state_review_outbox(s);
        session_set_stream(s, STREAM_READING, false);
        break;
    case SESSION_PAUSED:
        if (how == STREAM_END)
            session_on_broken_pause(s);
        else
            session_on_end(s, how);
        break;
    default:
        session_close(s, REASON_RESET);
    }
}

/* A client that leaves takes what it is owed. */
struct progress {
    uint64_t owed_bytes, kept_bytes;
};

static struct progress session_progress(const struct session *s)
{
    return (struct progress){session_kind(s)->owed_bytes(s),
                             stream_kept(s->stream)};
}

/* False when the connection is broken, or the session has ended. */
static bool session_write_some(struct session *s)
{
    enum stream_status status = session_kind(s)->flush(s);
    if (status == STREAM_END || status == STREAM_RESET) {
        session_on_broken_output(s, status);
        return false;
    }
    bool is_full = status == STREAM_AGAIN;
    state_review_outbox(s);
    identity_weigh(s);
    return is_full == stream_wants_write(s->stream) ||
           session_set_stream(s, stream_get_mode(s->stream), is_full);
}

static void session_write_last(struct session *s)
{
    struct progress before = session_progress(s);
    if (!session_write_some(s))
        return;
    struct progress now = session_progress(s);
    if (now.owed_bytes < before.owed_bytes ||
        now.kept_bytes < before.kept_bytes)
        session_wait(s, WAIT_LEAVE);
    if (now.owed_bytes == 0 && !stream_wants_write(s->stream))
        session_act(s, closing_drained(s));
}

static void session_write(struct session *s)
{
    if (s->state == SESSION_LEAVING)
        session_write_last(s);
    else
        (void)session_write_some(s);
}

void session_flush(struct session *s)
{
    if (stream_wants_write(s->stream))
        state_review_outbox(s); /* what it waited to write may have gone */
    else
        session_write(s);
}

static void session_on_writable(void *owner)
{
    struct session *s = owner;
    session_set_now(s);
    session_write(s);
}

static const struct stream_events session_events = {
    session_on_readable, session_on_writable, session_on_end};

/* What our kernel holds came in time, and is read before it is judged: in the
 * next turn, or now if it is a beginning that was left. False when it is that
 * and no more. */
static bool session_came_in_time(struct session *s)
{
    size_t got;
    bool is_held = stream_get_mode(s->stream) == STREAM_RESTING;
    if (!state_is_read(s) || is_held || stream_held(s->stream) == 0)
        return false;
    if (!s->is_left) {
        session_wait(s, s->waiting.wait);
        return true;
    }
    session_set_now(s);
    struct verdict v = reader_read(s, &got);
    if (v.what == VERDICT_LEAVE)
        return false;
    session_act_on_read(s, v, got);
    return true;
}

void session_on_timeout(struct waiting *w)
{
    struct session *s = LIST_OF(w, struct session, waiting);
    if (!session_came_in_time(s))
        session_act(s, session_kind(s)->time_out(s, w->wait));
}

bool session_read_rest(struct session *s, size_t *left)
{
    if (!state_is_read(s) || *left == 0)
        return false;
    size_t got = session_read(s);
    *left = got > 0 && got < *left ? *left - got : 0;
    return true;
}
