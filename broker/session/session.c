/* SPDX-License-Identifier: MIT */
#include "broker/session/session.h"

#include <assert.h>

#include "broker/net/stream.h"
#include "broker/session/intake.h"
#include "broker/session/notice.h"
#include "broker/session/sessions.h"

/* States. */

static void session_set_state(struct session *s, enum session_state state)
{
    struct counters *counters = s->all->counters;
    enum session_state old = s->state;
    bool was_paused = old == SESSION_PAUSED || old == SESSION_ENDED;
    bool is_paused = state == SESSION_PAUSED || state == SESSION_ENDED;
    s->state = (uint8_t)state;
    if (is_paused && !was_paused) {
        counter_add(counters, COUNT_pauses, 1);
        counter_add(counters, COUNT_paused_publishers, 1);
    }
    if (was_paused && !is_paused)
        counter_sub(counters, COUNT_paused_publishers, 1);
}

static void session_on_readable(void *owner);
static void session_on_writable(void *owner);
static void session_on_end(void *owner, enum stream_status how);

static const struct stream_events session_events = {
    session_on_readable, session_on_writable, session_on_end};

static void session_free(struct deferred *d)
{
    struct session *s =
        (struct session *)(void *)((char *)d -
                                   offsetof(struct session, deferred));
    assert(s->magic == SESSION_MAGIC && s->state == SESSION_CLOSED);
    s->magic = 0;
    budget_free(s->all->budget, s, sizeof *s);
}

struct session *session_new(struct sessions *all, int fd,
                            const struct sockaddr *peer, socklen_t length)
{
    struct session *s = budget_zalloc(all->budget, sizeof *s);
    struct stream *stream = stream_open(all->reactor, fd, &session_events, s);
    if (!s || !stream) {
        if (stream)
            stream_close(stream);
        budget_free(all->budget, s, sizeof *s);
        return NULL;
    }
    s->magic = SESSION_MAGIC;
    s->all = all;
    s->stream = stream;
    s->peer = peer_of(peer, length);
    subscriber_init(&s->sub);
    publisher_init(&s->pub);
    list_init(&s->link);
    list_init(&s->wait);
    s->inbox = INBOX_NONE;
    s->state = SESSION_HELLO;
    return s;
}

/* One that said nothing is a port scan or a health check: counted, and told
 * only to those who want to know everything. */
static void session_count_closed(struct session *s, enum reason reason,
                                 const char *protocol)
{
    const struct reason_row *row = &reason_rows[reason];
    bool is_silent = s->state == SESSION_HELLO && !s->has_spoken &&
                     (reason == REASON_EOF || reason == REASON_RESET);
    counter_add(s->all->counters, COUNT_closed, 1);
    s->all->closed[reason]++;
    if (is_silent)
        counter_add(s->all->counters, COUNT_closed_silent, 1);
    else if (row->is_counted)
        counter_add(s->all->counters, row->counter, 1);
    notice_closed(s, reason, is_silent ? LOG_DEBUG : row->level, protocol);
}

void session_close_because(struct session *s, enum reason reason,
                           const char *protocol)
{
    struct sessions *all = s->all;
    assert(s->magic == SESSION_MAGIC && s->state != SESSION_CLOSED);
    session_count_closed(s, reason, protocol);
    session_set_state(s, SESSION_CLOSED);
    publisher_forget(&s->pub);
    subscriber_leave(&s->sub);
    sessions_clear_inbox(all, s);
    list_remove(&s->wait);
    list_remove(&s->link);
    stream_close(s->stream);
    s->deferred.free = session_free;
    reactor_defer(all->reactor, &s->deferred);
    all->count--;
    counter_set(all->counters, COUNT_connections, all->count);
    all->on_closed(all->on_closed_arg);
}

void session_close(struct session *s, enum reason reason)
{
    session_close_because(s, reason, NULL);
}

/* False when the session had to be closed for it. */
static bool session_set_stream(struct session *s, enum stream_mode mode,
                               bool wants_write)
{
    if (stream_set(s->stream, mode, wants_write))
        return true;
    session_close(s, REASON_NO_MEMORY);
    return false;
}

void session_begin(struct session *s)
{
    list_remove(&s->wait);
    session_set_state(s, SESSION_OPEN);
    notice_connected(s);
}

/* Pausing and resuming. */

void session_pause(struct session *s)
{
    session_set_state(s, SESSION_PAUSED);
    s->sips = 0;
    sessions_wait(s->all, s, WAIT_SIP);
    if (session_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream)))
        notice_paused(s);
}

void session_starve(struct session *s)
{
    counter_add(s->all->counters, COUNT_memory_waits, 1);
    session_set_state(s, SESSION_PAUSED);
    sessions_wait(s->all, s, WAIT_MEMORY);
    session_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream));
}

void session_resume(struct session *s)
{
    assert(s->state == SESSION_PAUSED || s->state == SESSION_ENDED);
    session_set_state(s, SESSION_OPEN);
    s->has_turn = true;
    notice_resumed(s);
    intake_watch(s);
    session_set_stream(s, STREAM_READING, stream_wants_write(s->stream));
}

void session_let_past(struct session *s)
{
    publisher_forget(&s->pub);
    s->has_pass = true;
    session_resume(s);
}

/* Nobody is there to read what it is owed: sending it would only turn the
 * orderly end into a reset. What it published is still to be read. */
static void session_end(struct session *s)
{
    session_set_state(s, SESSION_ENDED);
    if (s->has_pass)
        s->all->wants_descriptor = true; /* memory held it up: who is next? */
    s->has_pass = false;
    if (publisher_is_waiting(&s->pub))
        sessions_wait(s->all, s, WAIT_ROOM); /* no more sips: its end is here */
    subscriber_leave(&s->sub);
    session_set_stream(s, STREAM_RESTING, false);
}

static void session_on_end(void *owner, enum stream_status how)
{
    struct session *s = owner;
    sessions_tell_time(s->all);
    if (s->state == SESSION_ENDED)
        return; /* what it sent before its end is still to be read */
    if (s->state == SESSION_FINISHING) {
        session_close(s, s->leave_reason);
        return;
    }
    if (how == STREAM_RESET || s->state == SESSION_STOPPED) {
        session_close(s, how == STREAM_RESET ? REASON_RESET : REASON_EOF);
        return;
    }
    if (s->state == SESSION_PAUSED)
        session_end(s);
    /* LEAVING: it may well listen until it has everything. */
}

/* Sending. */

static void session_on_broken_output(struct session *s, enum stream_status how)
{
    switch (s->state) {
    case SESSION_OPEN:
        /* Reading goes on: what it published before is still in the kernel,
         * and reading tells when that is through. */
        subscriber_leave(&s->sub);
        session_set_stream(s, STREAM_READING, false);
        break;
    case SESSION_PAUSED:
        session_on_end(s, how);
        break;
    default:
        session_close(s, REASON_RESET);
    }
}

/* True when all that can be written now was. */
static bool session_write(struct session *s)
{
    struct sessions *all = s->all;
    bool is_full = false;
    while (!is_full && !backlog_is_empty(s->sub.outbox)) {
        size_t bytes, put = 0;
        int n = backlog_iov(s->sub.outbox, all->iov, SESSIONS_IOV_MAX, &bytes);
        enum stream_status status = stream_write(s->stream, all->iov, n, &put);
        if (status == STREAM_END || status == STREAM_RESET) {
            session_on_broken_output(s, status);
            return false;
        }
        counter_add(all->counters, COUNT_bytes_out, put);
        if (put > 0)
            subscriber_sent(&s->sub, put);
        is_full = put < bytes;
        if (s->state == SESSION_LEAVING && put > 0)
            sessions_wait(all, s, WAIT_LEAVE);
    }
    return is_full == stream_wants_write(s->stream) ||
           session_set_stream(s, stream_get_mode(s->stream), is_full);
}

/* Leaving. */

static bool session_begin_finish(struct session *s, enum reason reason)
{
    session_set_state(s, SESSION_FINISHING);
    s->leave_reason = (uint8_t)reason;
    subscriber_leave(&s->sub);
    sessions_clear_inbox(s->all, s);
    sessions_wait(s->all, s, WAIT_FINISH);
    enum stream_mode mode =
        reason == REASON_GOODBYE ? STREAM_READING : STREAM_RESTING;
    return session_set_stream(s, mode, false);
}

/* After a goodbye the end of file is the broker's promise that everything was
 * taken. What comes behind it is read and discarded: closing a socket with
 * unread input makes the kernel send a reset and throw away output that is
 * still on its way. */
static void session_finish_goodbye(struct session *s)
{
    stream_shutdown(s->stream);
    if (session_begin_finish(s, REASON_GOODBYE))
        session_check_finished(s);
}

void session_finish(struct session *s)
{
    if (session_begin_finish(s, REASON_STOPPING))
        session_check_finished(s);
}

void session_check_finished(struct session *s)
{
    bool is_goodbye = s->leave_reason == REASON_GOODBYE;
    size_t unread = stream_held(s->stream);
    if (stream_unconfirmed(s->stream) > 0 || (is_goodbye && unread > 0))
        return;
    /* Stopping: what it has sent meanwhile is not taken, and it shall know. */
    if (unread > 0)
        stream_abort_on_close(s->stream);
    session_close(s, s->leave_reason);
}

static void session_discard(struct session *s)
{
    struct iovec iov = {s->all->scratch, SESSIONS_READ_BYTES};
    size_t got = 0;
    enum stream_status status = stream_read(s->stream, &iov, 1, &got);
    counter_add(s->all->counters, COUNT_bytes_in, got);
    if (status == STREAM_END || status == STREAM_RESET)
        session_close(s, s->leave_reason);
}

static void session_check_left(struct session *s)
{
    if (s->state == SESSION_LEAVING && backlog_is_empty(s->sub.outbox))
        session_finish_goodbye(s);
}

void session_flush(struct session *s)
{
    if (!stream_wants_write(s->stream) && session_write(s))
        session_check_left(s);
}

static void session_on_writable(void *owner)
{
    struct session *s = owner;
    sessions_tell_time(s->all);
    if (session_write(s))
        session_check_left(s);
}

void session_leave(struct session *s)
{
    session_set_state(s, SESSION_LEAVING);
    sessions_clear_inbox(s->all, s);
    subscriber_retire(&s->sub);
    sessions_wait(s->all, s, WAIT_LEAVE);
    if (session_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream)))
        session_check_left(s);
}

static void session_sip(struct session *s)
{
    list_remove(&s->wait);
    if (s->sips == SESSIONS_SIPS_MAX)
        return;
    s->sips++;
    if (!budget_is_short(s->all->budget) &&
        stream_held(s->stream) >= SESSIONS_SIP_UNREAD_BYTES)
        intake_sip(s);
    if (s->state == SESSION_PAUSED)
        sessions_wait(s->all, s, WAIT_SIP);
}

void session_on_timeout(struct session *s, enum reason reason)
{
    if (s->state == SESSION_PAUSED)
        session_sip(s);
    else
        session_close(s,
                      s->state == SESSION_FINISHING ? s->leave_reason : reason);
}

static void session_on_readable(void *owner)
{
    struct session *s = owner;
    if (s->state == SESSION_FINISHING)
        session_discard(s);
    else
        (void)intake_read(s);
}

/* Stopping. */

void session_stop(struct session *s)
{
    intake_read_rest(s);
    if (!intake_is_open(s) && s->state != SESSION_PAUSED)
        return;
    publisher_forget(&s->pub);
    if (s->sub.state == SUBSCRIBER_NONE) {
        /* An orderly end would look like the answer to a goodbye, which may
         * be on its way, with messages that nobody takes any more. */
        stream_abort_on_close(s->stream);
        session_close(s, REASON_STOPPING);
        return;
    }
    session_set_state(s, SESSION_STOPPED);
    list_remove(&s->wait);
    session_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream));
}
