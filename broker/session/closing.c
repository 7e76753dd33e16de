/* SPDX-License-Identifier: MIT */
#include "broker/session/closing.h"

#include "broker/core/trail.h"
#include "broker/net/stream.h"
#include "broker/session/clients.h"
#include "broker/session/reader.h"
#include "broker/session/state.h"
#include "broker/session/writer.h"

static struct verdict
closing_set_stream(struct session *s, enum stream_mode mode, bool wants_write)
{
    return stream_set(s->stream, mode, wants_write)
               ? verdict(VERDICT_GO_ON)
               : verdict_close(REASON_NO_MEMORY);
}

static void closing_wait(struct session *s, enum wait_kind wait)
{
    waits_begin(&s->all->waits, &s->waiting, wait,
                reactor_now_ms(s->all->reactor));
}

enum reason closing_reason(const struct session *s)
{
    return s->reason;
}

struct verdict closing_leave(struct session *s, enum reason reason)
{
    publisher_forget(&s->pub);
    admission_release(&s->all->admission, &s->partial);
    if (!session_kind(s)->leave(s))
        return verdict_close(REASON_NO_MEMORY);
    s->reason = (uint8_t)reason;
    if (s->kind == SESSION_V1)
        s->last_turn = core_turn(s->all->core);
    state_set(s, SESSION_LEAVING);
    closing_wait(s, WAIT_LEAVE);
    struct verdict v =
        closing_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream));
    if (v.what == VERDICT_GO_ON && session_kind(s)->owed_bytes(s) == 0)
        v = closing_drained(s);
    return v;
}

static struct verdict closing_begin_finish(struct session *s, bool is_goodbye)
{
    s->is_goodbye = is_goodbye;
    stream_end_on_close(s->stream);
    if (!is_goodbye)
        writer_end(s);
    if (trail_is_open(&s->sub))
        subscriber_retire(&s->sub); /* its kernel has time to confirm it */
    else
        session_kind(s)->abandon(s);
    admission_release(&s->all->admission, &s->partial);
    state_set(s, SESSION_FINISHING);
    bool lingers = is_goodbye && session_kind(s)->is_duplex;
    closing_wait(s, lingers ? WAIT_LINGER : WAIT_FINISH);
    struct verdict v = closing_set_stream(
        s, is_goodbye ? STREAM_READING : STREAM_RESTING, false);
    return v.what == VERDICT_GO_ON && !lingers ? closing_check(s) : v;
}

bool closing_awaits_disk(const struct session *s)
{
    return s->state == SESSION_LEAVING && s->kind == SESSION_V1 &&
           s->pub.is_durable && s->last_turn > core_durable_turn(s->all->core);
}

bool closing_must_reset(const struct session *s, enum reason why)
{
    if (closing_awaits_disk(s))
        return true;
    if (s->kind != SESSION_V1 || !core_has_store(s->all->core) ||
        s->state == SESSION_FINISHING || why == REASON_EOF)
        return false;
    return s->pub.is_durable || s->sub.state == SUBSCRIBER_NONE;
}

static struct verdict closing_await_disk(struct session *s)
{
    if (core_store_has_failed(s->all->core))
        return verdict_close(REASON_JOURNAL_FAILED);
    if (s->waiting.wait != WAIT_DISK)
        closing_wait(s, WAIT_DISK);
    return verdict(VERDICT_GO_ON);
}

/* After a goodbye the end of file is the broker's promise that everything was
 * taken, and what was published to durable queues is on disk. Input that
 * follows the goodbye is read and discarded: closing a socket with unread input
 * makes the kernel send a reset and throw away output that is still on its way.
 */
struct verdict closing_drained(struct session *s)
{
    if (closing_awaits_disk(s))
        return closing_await_disk(s);
    stream_shutdown(s->stream);
    return closing_begin_finish(s, true);
}

struct verdict closing_stop(struct session *s)
{
    return state_is_read(s) || s->state == SESSION_PAUSED
               ? session_kind(s)->stop(s)
               : verdict(VERDICT_GO_ON);
}

struct verdict closing_hold(struct session *s)
{
    publisher_forget(&s->pub);
    state_set(s, SESSION_STOPPED);
    waits_end(&s->waiting);
    return closing_set_stream(s, STREAM_RESTING, stream_wants_write(s->stream));
}

struct verdict closing_finish(struct session *s)
{
    if (s->state == SESSION_STOPPED) {
        s->reason = REASON_STOPPING;
        return closing_begin_finish(s, false);
    }
    if (s->state == SESSION_OPEN || s->state == SESSION_PAUSED)
        return verdict_goodbye(REASON_STOPPING);
    return s->state == SESSION_ENDED ? verdict_close(REASON_STOPPING)
                                     : verdict(VERDICT_GO_ON);
}

struct verdict closing_check(struct session *s)
{
    size_t held = stream_held(s->stream);
    if (stream_unconfirmed(s->stream) > 0 || (s->is_goodbye && held > 0))
        return verdict(VERDICT_GO_ON);
    /* Stopping: input that came since is not accepted; a reset tells the client
     * so. */
    if (held > 0)
        stream_abort_on_close(s->stream);
    return verdict_close(closing_reason(s));
}

bool closing_is_orderly(const struct session *s, enum reason reason)
{
    if (reason == REASON_STOPPING)
        return s->state == SESSION_FINISHING && !s->is_goodbye &&
               stream_held(s->stream) == 0;
    return reason == REASON_EOF;
}

struct verdict closing_discard(struct session *s)
{
    struct iovec iov = {s->all->scratch, READER_MAX_BYTES};
    size_t got = 0;
    enum stream_status status = stream_read(s->stream, &iov, 1, &got);
    counter_add(s->all->counters, COUNT_bytes_in, got);
    return status == STREAM_END || status == STREAM_RESET
               ? verdict_close(closing_reason(s))
               : verdict(VERDICT_GO_ON);
}
