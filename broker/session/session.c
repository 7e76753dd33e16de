/* SPDX-License-Identifier: MIT */
#include "broker/session/session.h"

#include <assert.h>
#include <string.h>

#include "broker/net/address.h"
#include "broker/net/stream.h"
#include "broker/session/pairs.h"
#include "broker/session/sessions.h"
#include "proto/channel_name.h"
#include "proto/frame.h"
#include "proto/greeting.h"

static const char *const state_names[SESSION_STATES] = {
    [SESSION_HELLO] = "hello",         [SESSION_OPEN] = "open",
    [SESSION_PAUSED] = "paused",       [SESSION_ENDED] = "ended",
    [SESSION_STOPPED] = "stopped",     [SESSION_LEAVING] = "leaving",
    [SESSION_FINISHING] = "finishing", [SESSION_CLOSED] = "closed",
};

/* Logging: who, in which channel. */

struct who {
    char peer[ADDRESS_TEXT_BYTES];
    const uint8_t *channel; /* NULL when subscribed to none */
    size_t channel_length;
};

static struct who session_who(const struct session *s)
{
    struct who who = {.channel = NULL};
    address_format((const struct sockaddr *)&s->peer, sizeof s->peer, who.peer,
                   sizeof who.peer);
    if (s->sub.channel) {
        who.channel = channel_name(s->sub.channel);
        who.channel_length = channel_name_length(s->sub.channel);
    }
    return who;
}

static void session_log(const struct session *s, enum log_level level,
                        const char *event, struct log_field extra)
{
    if (!log_is_on(s->all->log, level))
        return;
    struct who who = session_who(s);
    log_fields(s->all->log, level, event,
               LOG_LIST(LOG_U64("conn", s->id), LOG_TEXT("peer", who.peer),
                        LOG_BYTES("channel", who.channel, who.channel_length),
                        extra));
}

void session_log_outbox(struct session *s, enum log_level level,
                        const char *event, const char *action)
{
    if (!log_is_on(s->all->log, level))
        return;
    struct who who = session_who(s);
    log_fields(s->all->log, level, event,
               LOG_LIST(LOG_U64("conn", s->id), LOG_TEXT("peer", who.peer),
                        LOG_BYTES("channel", who.channel, who.channel_length),
                        LOG_U64("queued", s->sub.outbox.bytes),
                        LOG_TEXT("action", action)));
}

static void session_log_closed(const struct session *s, enum reason reason,
                               enum log_level level, const char *protocol)
{
    if (!log_is_on(s->all->log, level))
        return;
    struct who who = session_who(s);
    log_fields(s->all->log, level, "closed",
               LOG_LIST(LOG_U64("conn", s->id), LOG_TEXT("peer", who.peer),
                        LOG_BYTES("channel", who.channel, who.channel_length),
                        LOG_TEXT("reason", reason_rows[reason].name),
                        LOG_TEXT("protocol", protocol),
                        LOG_TEXT("state", state_names[s->state]),
                        LOG_U64("messages_in", s->messages_in),
                        LOG_U64("messages_out", s->sub.messages_out),
                        LOG_U64("dropped", s->sub.dropped)));
}

/* States. */

static void session_set_state(struct session *s, enum session_state state)
{
    struct counters *counters = s->all->counters;
    enum session_state old = s->state;
    bool was_paused = old == SESSION_PAUSED || old == SESSION_ENDED;
    bool is_paused = state == SESSION_PAUSED || state == SESSION_ENDED;
    s->state = state;
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
    s->deferred.free = session_free;
    memcpy(&s->peer, peer, length < sizeof s->peer ? length : sizeof s->peer);
    subscriber_init(&s->sub);
    publisher_init(&s->pub);
    list_init(&s->link);
    list_init(&s->wait);
    s->state = SESSION_HELLO;
    return s;
}

/* One that said nothing is a port scan or a health check: counted, and told
 * only to those who want to know everything. */
static void session_count_closed(struct session *s, enum reason reason,
                                 const char *protocol)
{
    const struct reason_row *row = &reason_rows[reason];
    bool is_silent = s->state == SESSION_HELLO && s->heard_bytes == 0 &&
                     (reason == REASON_EOF || reason == REASON_RESET);
    counter_add(s->all->counters, COUNT_closed, 1);
    if (is_silent)
        counter_add(s->all->counters, COUNT_closed_silent, 1);
    else if (row->is_counted)
        counter_add(s->all->counters, row->counter, 1);
    session_log_closed(s, reason, is_silent ? LOG_DEBUG : row->level, protocol);
}

static void session_close_because(struct session *s, enum reason reason,
                                  const char *protocol)
{
    struct sessions *all = s->all;
    assert(s->magic == SESSION_MAGIC && s->state != SESSION_CLOSED);
    session_count_closed(s, reason, protocol);
    session_set_state(s, SESSION_CLOSED);
    channel_forget(all->core, &s->pub);
    subscriber_leave(all->core, &s->sub);
    inbox_clear(&s->inbox, all->budget);
    list_remove(&s->wait);
    list_remove(&s->link);
    stream_close(s->stream);
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

/* Pausing and resuming. */

static bool session_is_mid_frame(const struct session *s)
{
    const struct inbox *in = &s->inbox;
    struct frame name;
    if (inbox_is_large(in))
        return true;
    if (!in->tail)
        return false;
    return frame_decode(in->tail, in->tail_bytes, CHANNEL_NAME_MAX, &name) !=
               FRAME_OK ||
           in->tail_bytes > frame_size(name.length);
}

/* A client may take as long as it likes between frames, but not within. */
static void session_watch_frame(struct session *s)
{
    if (session_is_mid_frame(s))
        sessions_wait(s->all, s, WAIT_FRAME);
    else
        list_remove(&s->wait);
}

static void session_pause(struct session *s, struct channel *ch)
{
    session_set_state(s, SESSION_PAUSED);
    list_remove(&s->wait); /* it is we who make no progress */
    channel_wait(ch, &s->pub);
    if (session_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream)))
        session_log(
            s, LOG_DEBUG, "publisher_paused",
            LOG_BYTES("full", channel_name(ch), channel_name_length(ch)));
}

void session_resume(struct session *s)
{
    assert(s->state == SESSION_PAUSED || s->state == SESSION_ENDED);
    session_set_state(s, SESSION_OPEN);
    session_log(s, LOG_DEBUG, "publisher_resumed", LOG_NONE);
    session_watch_frame(s);
    session_set_stream(s, STREAM_READING, stream_wants_write(s->stream));
}

static void session_on_end(void *owner, enum stream_status how)
{
    struct session *s = owner;
    if (s->state == SESSION_ENDED)
        return; /* what it sent before its end is still to be read */
    if (how == STREAM_RESET || s->state == SESSION_STOPPED) {
        session_close(s, how == STREAM_RESET ? REASON_RESET : REASON_EOF);
        return;
    }
    if (s->state != SESSION_PAUSED)
        return; /* LEAVING: it may well listen until it has everything */
    /* Nobody is there to read what it is owed: sending it would only turn the
     * orderly end into a reset. What it published is still to be read. */
    session_set_state(s, SESSION_ENDED);
    subscriber_leave(s->all->core, &s->sub);
    session_set_stream(s, STREAM_RESTING, false);
}

/* Sending. */

static void session_on_broken_output(struct session *s, enum stream_status how)
{
    switch (s->state) {
    case SESSION_OPEN:
        /* Reading goes on: what it published before is still in the kernel,
         * and reading tells when that is through. */
        subscriber_leave(s->all->core, &s->sub);
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
    struct backlog *outbox = &s->sub.outbox;
    bool is_full = false;
    while (!is_full && !backlog_is_empty(outbox)) {
        size_t bytes, put = 0;
        int n = backlog_iov(outbox, all->iov, SESSIONS_IOV_MAX, &bytes);
        enum stream_status status = stream_write(s->stream, all->iov, n, &put);
        if (status == STREAM_END || status == STREAM_RESET) {
            session_on_broken_output(s, status);
            return false;
        }
        counter_add(all->counters, COUNT_bytes_out, put);
        if (put > 0)
            subscriber_sent(all->core, &s->sub, put);
        is_full = put < bytes;
        if (s->state == SESSION_LEAVING && put > 0)
            sessions_wait(all, s, WAIT_LEAVE);
    }
    return session_set_stream(s, stream_get_mode(s->stream), is_full);
}

static void session_check_left(struct session *s)
{
    if (s->state == SESSION_LEAVING && backlog_is_empty(&s->sub.outbox))
        session_finish(s, REASON_GOODBYE);
}

void session_flush(struct session *s)
{
    if (!stream_wants_write(s->stream) && session_write(s))
        session_check_left(s);
}

static void session_on_writable(void *owner)
{
    struct session *s = owner;
    if (session_write(s))
        session_check_left(s);
}

/* Leaving. */

void session_finish(struct session *s, enum reason reason)
{
    session_set_state(s, SESSION_FINISHING);
    s->leave_reason = reason;
    channel_forget(s->all->core, &s->pub);
    subscriber_leave(s->all->core, &s->sub);
    inbox_clear(&s->inbox, s->all->budget);
    stream_shutdown(s->stream);
    sessions_wait(s->all, s, WAIT_FINISH);
    if (session_set_stream(s, STREAM_READING, false))
        session_check_finished(s);
}

/* Closing a socket with unread input makes the kernel send a reset and throw
 * away output that is still on its way. */
void session_check_finished(struct session *s)
{
    if (stream_unconfirmed(s->stream) == 0 && stream_unread(s->stream) == 0)
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

static void session_leave(struct session *s)
{
    session_set_state(s, SESSION_LEAVING);
    inbox_clear(&s->inbox, s->all->budget);
    subscriber_retire(s->all->core, &s->sub);
    sessions_wait(s->all, s, WAIT_LEAVE);
    if (session_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream)))
        session_check_left(s);
}

void session_on_timeout(struct session *s, enum reason reason)
{
    session_close(s, s->state == SESSION_FINISHING ? s->leave_reason : reason);
}

/* Receiving. */

/* Closes what can not become a session of version 1. The greeting of another
 * protocol goes first: as a length it is absurd as well, and the fifth byte
 * of a TLS hello may be NUL. */
static bool session_is_refused(struct session *s, const uint8_t *bytes,
                               size_t n, enum frame_status status,
                               uint32_t length)
{
    const char *protocol =
        status == FRAME_TOO_LONG ? greeting_name(bytes) : NULL;
    if (protocol)
        session_close_because(s, REASON_FOREIGN_PROTOCOL, protocol);
    else if (length > s->all->config.max_frame_bytes)
        session_close(s, REASON_FRAME_TOO_LONG);
    else if (n > FRAME_HEAD_BYTES && length > 0 &&
             bytes[FRAME_HEAD_BYTES] == '\0')
        session_close(s, REASON_VERSION_RESERVED);
    else if (status == FRAME_TOO_LONG)
        session_close(s, REASON_NAME_TOO_LONG);
    else
        return false;
    return true;
}

static bool session_subscribe(struct session *s, const struct frame *name)
{
    return name->length == 0 ||
           route_of(name->body, name->length) == ROUTE_NULL ||
           core_subscribe(s->all->core, &s->sub, name->body, name->length);
}

/* Takes the first frame. False when it is not complete or not allowed. */
static bool session_hello(struct session *s, const uint8_t *bytes, size_t n,
                          size_t *taken)
{
    struct frame name;
    enum frame_status status = frame_decode(bytes, n, CHANNEL_NAME_MAX, &name);
    *taken = 0;
    if (session_is_refused(s, bytes, n, status, name.length))
        return false;
    if (status == FRAME_MORE)
        return false;
    if (!session_subscribe(s, &name)) {
        session_close(s, REASON_NO_MEMORY);
        return false;
    }
    *taken = frame_size(name.length);
    list_remove(&s->wait);
    session_set_state(s, SESSION_OPEN);
    session_log(s, LOG_DEBUG, "connected", LOG_NONE);
    return true;
}

/* Keeps the beginning of a pair until there is more of it. */
static bool session_keep(struct session *s, const uint8_t *bytes, size_t n)
{
    struct sessions *all = s->all;
    struct frame name, message;
    if (frame_decode(bytes, n, CHANNEL_NAME_MAX, &name) == FRAME_OK) {
        size_t head = frame_size(name.length);
        (void)frame_decode(bytes + head, n - head, all->config.max_frame_bytes,
                           &message);
        size_t size = frame_size(message.length);
        if (size >= INBOX_LARGE_BYTES)
            return inbox_begin(&s->inbox, all->budget, &all->core->pool, bytes,
                               head, bytes + head, n - head, (uint32_t)size);
    }
    return inbox_keep(&s->inbox, all->budget, bytes, n);
}

/* Works off `n` bytes that start where a frame starts. */
static void session_take(struct session *s, const uint8_t *bytes, size_t n)
{
    enum reason reason = REASON_NO_MEMORY;
    size_t taken;
    if (s->state == SESSION_HELLO) {
        if (session_hello(s, bytes, n, &taken)) {
            bytes += taken;
            n -= taken;
        } else {
            if (s->state == SESSION_HELLO &&
                !inbox_keep(&s->inbox, s->all->budget, bytes, n))
                session_close(s, REASON_NO_MEMORY);
            return;
        }
    }
    enum pairs_status status = pairs_decode(s, bytes, n, &taken, &reason);
    if (status == PAIRS_GOODBYE)
        session_leave(s);
    else if (status == PAIRS_FAILED ||
             !session_keep(s, bytes + taken, n - taken))
        session_close(s, reason);
}

/* The rest of a large message first, if one is under way: `direct` bytes of
 * it were read into its own block, `n` bytes are in the scratch buffer. */
static void session_take_large(struct session *s, size_t direct,
                               const uint8_t *bytes, size_t n)
{
    enum reason reason = REASON_NO_MEMORY;
    inbox_filled(&s->inbox, direct);
    int64_t fed = inbox_feed(&s->inbox, bytes, n);
    if (fed < 0) {
        session_close(s, REASON_NO_MEMORY);
        return;
    }
    if (!inbox_is_complete(&s->inbox))
        return;
    if (pairs_publish_large(s, &reason) == PAIRS_FAILED)
        session_close(s, reason);
    else
        session_take(s, bytes + fed, n - (size_t)fed);
}

/* Reads once, into the large message that is under way and, behind that or
 * behind the small beginning that was kept, into the scratch buffer. */
static enum stream_status session_fill(struct session *s, size_t *direct,
                                       size_t *n, size_t *got)
{
    struct sessions *all = s->all;
    struct inbox *in = &s->inbox;
    size_t max = s->last ? SESSIONS_READ_BYTES : SESSIONS_FIRST_BYTES;
    size_t kept = inbox_is_large(in) ? 0 : in->tail_bytes;
    uint8_t *at = NULL;
    size_t room = inbox_room(in, &at, max);
    struct iovec iov[2] = {{at, room}, {all->scratch + kept, max}};
    enum stream_status status = room > 0
                                    ? stream_read(s->stream, iov, 2, got)
                                    : stream_read(s->stream, iov + 1, 1, got);
    if (status != STREAM_OK)
        return status;
    *direct = *got < room ? *got : room;
    *n = *got - *direct;
    all->turn_bytes += *got;
    counter_add(all->counters, COUNT_bytes_in, *got);
    if (!inbox_is_large(in) && kept > 0) {
        memcpy(all->scratch, in->tail, kept);
        inbox_clear(in, all->budget);
        *n += kept;
    }
    return STREAM_OK;
}

static bool session_must_wait(const struct session *s)
{
    return s->state == SESSION_OPEN && s->last &&
           s->last_epoch == s->all->core->epoch && channel_is_shut(s->last);
}

/* After a read: waits at a gate, or for the rest of a frame. */
static void session_settle_state(struct session *s)
{
    struct channel *full = s->full;
    s->full = NULL;
    if (s->state != SESSION_OPEN)
        return;
    session_watch_frame(s);
    if (full)
        session_pause(s, full);
}

/* Returns how many bytes came. */
static size_t session_read(struct session *s)
{
    struct sessions *all = s->all;
    size_t direct = 0, n = 0, got = 0;
    if (session_must_wait(s)) {
        session_pause(s, s->last);
        return 0;
    }
    enum stream_status status = session_fill(s, &direct, &n, &got);
    if (status == STREAM_AGAIN)
        return 0;
    if (status != STREAM_OK) {
        session_close(s, status == STREAM_END ? REASON_EOF : REASON_RESET);
        return 0;
    }
    s->heard_bytes = 1;
    if (inbox_is_large(&s->inbox))
        session_take_large(s, direct, all->scratch, n);
    else
        session_take(s, all->scratch, n);
    session_settle_state(s);
    if (all->turn_bytes >= SESSIONS_READ_BYTES)
        sessions_settle(all);
    return got;
}

static void session_on_readable(void *owner)
{
    struct session *s = owner;
    if (s->state == SESSION_FINISHING)
        session_discard(s);
    else
        (void)session_read(s);
}

/* Stopping. */

static bool session_is_read(const struct session *s)
{
    return s->state == SESSION_HELLO || s->state == SESSION_OPEN;
}

/* What the kernel has taken counts as sent, so it is read, unless a channel
 * is full. */
static void session_read_rest(struct session *s)
{
    size_t left = stream_unread(s->stream);
    while (session_is_read(s) && left > 0) {
        size_t got = session_read(s);
        left = got > 0 && got < left ? left - got : 0;
    }
}

void session_stop(struct session *s)
{
    session_read_rest(s);
    if (!session_is_read(s) && s->state != SESSION_PAUSED)
        return;
    channel_forget(s->all->core, &s->pub);
    if (s->sub.state == SUBSCRIBER_NONE) {
        session_finish(s, REASON_STOPPING);
        return;
    }
    session_set_state(s, SESSION_STOPPED);
    list_remove(&s->wait);
    session_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream));
}
