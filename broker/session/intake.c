/* SPDX-License-Identifier: MIT */
#include "broker/session/intake.h"

#include <string.h>

#include "broker/core/name_class.h"
#include "broker/net/stream.h"
#include "broker/session/pairs.h"
#include "broker/session/session.h"
#include "broker/session/sessions.h"
#include "proto/channel_name.h"
#include "proto/frame.h"
#include "proto/greeting.h"

static bool intake_is_mid_frame(const struct session *s)
{
    const struct inbox *in = s->inbox;
    struct frame name;
    if (inbox_is_large(in))
        return true;
    if (!in->tail)
        return false;
    return frame_decode(in->tail, in->tail_bytes, CHANNEL_NAME_MAX, &name) !=
               FRAME_OK ||
           in->tail_bytes > frame_size(name.length);
}

void intake_watch(struct session *s)
{
    if (intake_is_mid_frame(s))
        sessions_wait(s->all, s, WAIT_FRAME);
    else
        list_remove(&s->wait);
}

/* Closes what can not become a session of version 1. The greeting of another
 * protocol goes first: as a length it is absurd as well, and the fifth byte
 * of a TLS hello may be NUL. */
static bool intake_is_refused(struct session *s, const uint8_t *bytes, size_t n,
                              enum frame_status status, uint32_t length)
{
    const char *protocol =
        status == FRAME_TOO_LONG ? greeting_name(bytes) : NULL;
    if (protocol)
        session_close_because(s, REASON_FOREIGN_PROTOCOL, protocol);
    else if (status == FRAME_TOO_LONG &&
             length > s->all->config.max_frame_bytes)
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

static bool intake_subscribe(struct session *s, const struct frame *name)
{
    struct core *core = s->all->core;
    enum name_class name_class =
        name->length == 0 ? NAME_NULL : name_class_of(name->body, name->length);
    if (name_class == NAME_NULL)
        return true;
    /* What a consumer holds in advance it holds in the kernel, too. */
    if (name_class == NAME_QUEUE)
        stream_limit_unsent(s->stream, core_prefetch_bytes(core));
    return core_subscribe(core, &s->sub, name->body, name->length);
}

/* Takes the first frame. False when it is not complete or not allowed. */
static bool intake_hello(struct session *s, const uint8_t *bytes, size_t n,
                         size_t *taken)
{
    struct frame name;
    enum frame_status status = frame_decode(bytes, n, CHANNEL_NAME_MAX, &name);
    *taken = 0;
    if (intake_is_refused(s, bytes, n, status, name.length))
        return false;
    if (status == FRAME_MORE)
        return false;
    if (!intake_subscribe(s, &name)) {
        session_close(s, REASON_NO_MEMORY);
        return false;
    }
    *taken = frame_size(name.length);
    session_begin(s);
    return true;
}

/* Keeps the beginning of a pair until there is more of it. */
static bool intake_keep(struct session *s, const uint8_t *bytes, size_t n,
                        enum reason *reason)
{
    struct sessions *all = s->all;
    struct frame name, message;
    size_t head = n, size = 0;
    if (n == 0)
        return true;
    if (frame_decode(bytes, n, CHANNEL_NAME_MAX, &name) == FRAME_OK) {
        head = frame_size(name.length);
        (void)frame_decode(bytes + head, n - head, all->config.max_frame_bytes,
                           &message);
        size = frame_size(message.length);
    }
    bool is_large = size >= INBOX_LARGE_BYTES;
    *reason = REASON_MEMORY;
    if (!sessions_may_keep(all, s, is_large ? head : n,
                           is_large ? n - head : 0))
        return false;
    *reason = REASON_NO_MEMORY;
    if (!inbox_own(&s->inbox, all->budget))
        return false;
    struct inbox *in = s->inbox;
    bool is_kept =
        is_large ? inbox_begin(in, all->budget, core_pool(all->core), bytes,
                               head, bytes + head, n - head, (uint32_t)size)
                 : inbox_keep(in, all->budget, bytes, n);
    sessions_kept(all, s);
    return is_kept;
}

/* Works off `n` bytes that start where a frame starts. */
static void intake_take(struct session *s, const uint8_t *bytes, size_t n)
{
    enum reason reason;
    size_t taken;
    if (s->state == SESSION_HELLO) {
        if (intake_hello(s, bytes, n, &taken)) {
            bytes += taken;
            n -= taken;
        } else {
            if (s->state == SESSION_HELLO && !intake_keep(s, bytes, n, &reason))
                session_close(s, reason);
            return;
        }
    }
    enum pairs_status status = pairs_decode(s, bytes, n, &taken, &reason);
    if (status == PAIRS_GOODBYE)
        session_leave(s);
    else if (status == PAIRS_FAILED ||
             !intake_keep(s, bytes + taken, n - taken, &reason))
        session_close(s, reason);
}

/* The rest of a large message first, if one is under way: `direct` bytes of
 * it were read into its own block, `n` bytes are in the scratch buffer. */
static void intake_take_large(struct session *s, size_t direct,
                              const uint8_t *bytes, size_t n)
{
    enum reason reason = REASON_NO_MEMORY;
    inbox_filled(s->inbox, direct);
    int64_t fed = inbox_feed(s->inbox, bytes, n);
    if (fed < 0) {
        session_close(s, REASON_NO_MEMORY);
        return;
    }
    if (!inbox_is_complete(s->inbox))
        return;
    if (pairs_publish_large(s, &reason) == PAIRS_FAILED)
        session_close(s, reason);
    else
        intake_take(s, bytes + fed, n - (size_t)fed);
}

/* What a read brings is taken whatever the bounds, so it brings the less the
 * less memory there is, and little from those of whom it is not known where
 * they publish to: the others are not read if that is full. */
static size_t intake_max(const struct session *s)
{
    const struct sessions *all = s->all;
    const struct budget *b = all->budget;
    bool is_known = channel_ref_get(&s->last, all->core) != NULL;
    if (!budget_has_room(b, 0))
        return SESSIONS_SIP_BYTES;
    if (budget_is_short(b))
        return is_known ? SESSIONS_SHORT_BYTES : SESSIONS_SIP_BYTES;
    if (!is_known && !sessions_may_begin(all))
        return SESSIONS_SIP_BYTES;
    bool is_tight = b->limit_bytes > 0 && budget_level(b) > b->limit_bytes / 2;
    return is_known && !is_tight ? SESSIONS_READ_BYTES : SESSIONS_FIRST_BYTES;
}

/* Reads once, into the large message that is under way and, behind that or
 * behind the small beginning that was kept, into the scratch buffer. */
static enum stream_status intake_fill(struct session *s, size_t *direct,
                                      size_t *n, size_t *got)
{
    struct sessions *all = s->all;
    struct inbox *in = s->inbox;
    size_t max = intake_max(s);
    size_t kept = inbox_is_large(in) ? 0 : in->tail_bytes;
    uint8_t *at = NULL;
    size_t room = inbox_room(in, &at, s->has_grant ? SESSIONS_READ_BYTES : max);
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
        sessions_clear_inbox(all, s);
        *n += kept;
    }
    return STREAM_OK;
}

static bool intake_may_pass(const struct session *s)
{
    return s->has_pass && !budget_is_short(s->all->budget);
}

/* A publisher that would only add to a channel that is shut is not read. When
 * its turn has come it is, though others wait there still: or all of them
 * would give way to each other for ever. If the channel is full again by
 * then, it waits on, but in front. */
static bool intake_must_wait(struct session *s)
{
    struct channel *last = channel_ref_get(&s->last, s->all->core);
    bool has_turn = s->has_turn;
    s->has_turn = false;
    if (s->state != SESSION_OPEN || intake_may_pass(s) || !last ||
        !channel_must_wait(last))
        return false;
    if (has_turn && !channel_is_closed(last))
        return false;
    publisher_wait(&s->pub, last, has_turn);
    return publisher_is_waiting(&s->pub);
}

/* After a read: waits at gates, or for memory, or for the rest of a frame. */
static void intake_settle(struct session *s)
{
    if (s->state != SESSION_OPEN) {
        publisher_forget(&s->pub);
        return;
    }
    intake_watch(s);
    if (intake_may_pass(s))
        publisher_forget(&s->pub);
    if (publisher_is_waiting(&s->pub))
        session_pause(s);
    else if (inbox_is_large(s->inbox) && !s->has_grant &&
             !sessions_grant_memory(s->all, s))
        session_starve(s);
}

static void intake_take_all(struct session *s, size_t direct, size_t n)
{
    if (inbox_is_large(s->inbox))
        intake_take_large(s, direct, s->all->scratch, n);
    else
        intake_take(s, s->all->scratch, n);
}

void intake_sip(struct session *s)
{
    size_t direct = 0, n = 0, got = 0;
    sessions_tell_time(s->all);
    /* If it has ended, on_end will say so. */
    if (intake_fill(s, &direct, &n, &got) == STREAM_OK)
        intake_take_all(s, direct, n);
    if (s->state != SESSION_PAUSED)
        publisher_forget(&s->pub);
}

size_t intake_read(struct session *s)
{
    struct sessions *all = s->all;
    size_t direct = 0, n = 0, got = 0;
    sessions_tell_time(all);
    if (intake_must_wait(s)) {
        session_pause(s);
        return 0;
    }
    enum stream_status status = intake_fill(s, &direct, &n, &got);
    if (status == STREAM_AGAIN)
        return 0;
    if (status != STREAM_OK) {
        session_close(s, status == STREAM_END ? REASON_EOF : REASON_RESET);
        return 0;
    }
    s->has_spoken = true;
    intake_take_all(s, direct, n);
    intake_settle(s);
    if (all->turn_bytes >= SESSIONS_READ_BYTES)
        sessions_deliver(all);
    return got;
}

bool intake_is_open(const struct session *s)
{
    return s->state == SESSION_HELLO || s->state == SESSION_OPEN;
}

void intake_read_rest(struct session *s)
{
    size_t left = stream_held(s->stream);
    while (intake_is_open(s) && left > 0) {
        size_t got = intake_read(s);
        left = got > 0 && got < left ? left - got : 0;
    }
}
