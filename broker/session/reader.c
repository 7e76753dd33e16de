/* SPDX-License-Identifier: MIT */
#include "broker/session/reader.h"

#include <string.h>

#include "broker/net/stream.h"
#include "broker/net/tls.h"
#include "broker/session/bypass.h"
#include "broker/session/clients.h"
#include "broker/session/identity.h"
#include "broker/session/partial.h"
#include "broker/session/state.h"

void reader_watch(struct session *s)
{
    struct clients *all = s->all;
    if (s->partial || s->is_left || tls_has_part(s->stream))
        waits_begin(&all->waits, &s->waiting, WAIT_FRAME,
                    reactor_now_ms(all->reactor));
    else
        session_kind(s)->await(s);
}

static clock_ms reader_now(const struct session *s)
{
    return reactor_now_ms(s->all->reactor);
}

/* Since when what was kept has been coming; whole messages may have waited. */
static clock_ms reader_since(const struct session *s)
{
    const struct partial *p = s->partial;
    return p && !p->is_unread ? p->since : reader_now(s);
}

/* An opening has the secret of its client, if there are users. */
static bool reader_may_be_shown(const struct session *s)
{
    return s->state == SESSION_HELLO && s->all->identities;
}

/* Keeps the rest, which is the beginning of a message, until more comes.
 * `since` is the time of that of what was decoded. */
static struct verdict reader_keep(struct session *s, const uint8_t *rest,
                                  size_t n, const struct decoded *d,
                                  clock_ms since)
{
    struct clients *all = s->all;
    if (n == 0)
        return verdict(VERDICT_GO_ON);
    bool is_large = d->body_bytes >= PARTIAL_LARGE_BYTES && !d->is_unread;
    size_t head = is_large ? d->head_bytes : n;
    struct partial *p = s->partial = partial_new(all->budget, rest, head);
    if (!p)
        return verdict_close(REASON_NO_MEMORY);
    p->is_unread = d->is_unread;
    p->is_secret = reader_may_be_shown(s);
    p->since = d->taken > 0 ? reader_now(s) : since;
    p->host = peer_host(&s->peer);
    if (is_large && !partial_begin_body(p, core_pool(all->core), rest + head,
                                        n - head, d->body_bytes))
        return verdict_close(REASON_NO_MEMORY);
    admission_keep(&all->admission, p);
    return verdict(VERDICT_GO_ON);
}

/* Bytes of whole messages came. */
static void reader_took(struct session *s, uint64_t bytes)
{
    uint64_t sum = s->pub.bytes_in + bytes;
    s->pub.bytes_in = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

/* Processes the complete messages of `n` bytes that begin where a message
 * begins. */
static struct verdict reader_decode(struct session *s, const uint8_t *bytes,
                                    size_t n, struct decoded *d)
{
    struct verdict v = verdict(VERDICT_GO_ON);
    size_t opened = 0;
    *d = (struct decoded){.taken = 0};
    if (s->state == SESSION_HELLO) {
        v = session_kind(s)->hello(s, bytes, n, d);
        opened = d->taken;
    }
    if (v.what == VERDICT_GO_ON && s->state != SESSION_HELLO) {
        v = session_kind(s)->decode(s, bytes + opened, n - opened, d);
        reader_took(s, d->taken);
        d->taken += opened;
    }
    return v;
}

/* Processes `n` bytes of the scratch buffer that begin where a message begins,
 * and have been coming since then. A secret among them stays nowhere. */
static struct verdict reader_take(struct session *s, const uint8_t *bytes,
                                  size_t n, clock_ms since)
{
    struct decoded d;
    bool is_secret = reader_may_be_shown(s);
    struct verdict v = reader_decode(s, bytes, n, &d);
    if (v.what == VERDICT_GO_ON)
        v = reader_keep(s, bytes + d.taken, n - d.taken, &d, since);
    if (is_secret)
        explicit_bzero(s->all->scratch + (bytes - s->all->scratch), n);
    return v;
}

/* Continues a large message: `direct` bytes of it were read into its own block,
 * `n` bytes are in the scratch buffer. */
static struct verdict reader_take_large(struct session *s, size_t direct,
                                        const uint8_t *bytes, size_t n)
{
    struct partial *p = s->partial;
    partial_filled(p, direct);
    int64_t fed = partial_feed(p, bytes, n);
    if (fed < 0)
        return verdict_close(REASON_NO_MEMORY);
    if (!partial_is_complete(p))
        return verdict(VERDICT_GO_ON);
    struct verdict v = session_kind(s)->complete(s);
    reader_took(s, p->body_bytes);
    admission_release(&s->all->admission, &s->partial);
    if (v.what == VERDICT_GO_ON)
        v = reader_take(s, bytes + fed, n - (size_t)fed, reader_now(s));
    return v;
}

/* A client whose messages wait with itself, and not in a channel that is full,
 * is known by what it has sent. */
static bool reader_knows(const struct session *s)
{
    return session_kind(s)->is_duplex ? s->pub.messages_in > 0
                                      : session_kind(s)->target(s) != NULL;
}

/* Whatever a read returns is accepted, even over a bound. So less is read when
 * memory is short, and little from a session whose target is unknown; one
 * whose target is full is not read at all. */
static size_t reader_max(const struct session *s)
{
    const struct clients *all = s->all;
    const struct budget *b = all->budget;
    bool is_known = reader_knows(s);
    if (!budget_has_room(b, 0))
        return READER_SCARCE_BYTES;
    if (budget_is_short(b))
        return is_known ? READER_SHORT_BYTES : READER_SCARCE_BYTES;
    if (!is_known && !admission_is_low(&all->admission))
        return READER_SCARCE_BYTES;
    bool is_tight = b->limit_bytes > 0 && budget_level(b) > b->limit_bytes / 2;
    return is_known && !is_tight ? READER_MAX_BYTES : READER_FIRST_BYTES;
}

static struct verdict reader_take_kept(struct session *s, size_t n)
{
    uint8_t *scratch = s->all->scratch;
    clock_ms since = reader_since(s);
    memcpy(scratch, s->partial->head, s->partial->head_bytes);
    n += s->partial->head_bytes;
    admission_release(&s->all->admission, &s->partial);
    return reader_take(s, scratch, n, since);
}

static void reader_count(struct session *s, size_t got)
{
    s->all->turn_bytes += got;
    counter_add(s->all->counters, COUNT_bytes_in, got);
}

static bool reader_has_room(const struct session *s, size_t head_bytes,
                            size_t body_bytes)
{
    const struct beginning b = {
        .head_bytes = (uint32_t)head_bytes,
        .body_bytes = (uint32_t)body_bytes,
        .host = peer_host(&s->peer),
        .has_merit = s->pub.messages_in > 0 &&
                     s->pub.bytes_in >= head_bytes + body_bytes,
    };
    return admission_has_room(&s->all->admission, &b);
}

/* Whether a read of `max` bytes may bring a beginning that there is no room
 * for. */
static bool reader_is_tight(const struct session *s, size_t max)
{
    const struct clients *all = s->all;
    return !(admission_is_low(&all->admission) &&
             budget_has_room(all->budget, PARTIAL_HEAD_MAX + max)) &&
           !reader_has_room(s, PARTIAL_HEAD_MAX, max);
}

bool reader_may_begin(const struct session *s)
{
    return reader_has_room(s, PARTIAL_HEAD_MAX, PARTIAL_START_BYTES);
}

/* How much can be kept of the `n` bytes that a message begins with, `kept` of
 * them already: all if it is small, enough to wait for memory if it is large,
 * or nothing. */
static size_t reader_keepable(const struct session *s, size_t n, size_t kept,
                              const struct decoded *d)
{
    bool is_large = d->body_bytes >= PARTIAL_LARGE_BYTES;
    size_t head = is_large ? d->head_bytes : n, body = n - head;
    if (d->is_unread)
        return 0;
    if (body > PARTIAL_START_BYTES)
        body = PARTIAL_START_BYTES;
    size_t more = head > kept ? head - kept : 0;
    if (!reader_has_room(s, more, is_large ? PARTIAL_START_BYTES : 0))
        return 0;
    return head + body;
}

/* The bytes were peeked at; they are taken from the kernel. */
static enum stream_status reader_skip(struct session *s, uint8_t *at, size_t n)
{
    reader_count(s, n);
    while (n > 0) {
        struct iovec iov = {at, n};
        size_t got;
        enum stream_status status = stream_read(s->stream, &iov, 1, &got);
        if (status != STREAM_OK)
            return STREAM_RESET;
        at += got;
        n -= got;
    }
    return STREAM_OK;
}

/* What the session waits for when nothing could be taken; it goes on if there
 * may be more to see. */
static struct verdict reader_left(const struct decoded *d, bool may_be_more)
{
    if (d->is_unread)
        return verdict(VERDICT_REST);
    if (d->body_bytes >= PARTIAL_LARGE_BYTES)
        return verdict(VERDICT_WAIT_MEMORY);
    return verdict(may_be_more ? VERDICT_GO_ON : VERDICT_LEAVE);
}

/* Reads as reader_fill, but leaves in the kernel the beginning of a message
 * that there is no room for. If nothing could be taken, the verdict says what
 * to wait for. */
static enum stream_status reader_peek(struct session *s, size_t max,
                                      size_t *got, struct verdict *v)
{
    struct clients *all = s->all;
    size_t kept = s->partial ? s->partial->head_bytes : 0, n;
    uint8_t *bytes = all->scratch, *fresh = bytes + kept;
    clock_ms since = reader_since(s);
    enum stream_status status = stream_peek(s->stream, fresh, max, &n);
    if (status != STREAM_OK)
        return status;
    if (kept > 0)
        memcpy(bytes, s->partial->head, kept);
    struct decoded d;
    *v = reader_decode(s, bytes, kept + n, &d);
    size_t used = kept + n;
    if (v->what == VERDICT_GO_ON)
        used = d.taken +
               reader_keepable(s, used - d.taken, d.taken > 0 ? 0 : kept, &d);
    if (used <= kept) {
        *v = reader_left(&d, n == max);
        return STREAM_OK;
    }
    status = reader_skip(s, fresh, used - kept);
    *got = used - kept;
    admission_release(&all->admission, &s->partial);
    if (status == STREAM_OK && v->what == VERDICT_GO_ON)
        *v = reader_keep(s, bytes + d.taken, used - d.taken, &d, since);
    return status;
}

/* A publisher that would only add to a channel whose gate is closed is not
 * read. With its turn granted it reads once even if others still wait, or they
 * would all yield to each other forever. If the channel is full again by then,
 * the publisher keeps waiting, but in front. */
static bool reader_must_wait(struct session *s)
{
    struct channel *last = session_kind(s)->target(s);
    bool has_turn = s->has_turn;
    s->has_turn = false;
    if (s->state != SESSION_OPEN || bypass_is_open(s) || !last ||
        !channel_must_wait(last))
        return false;
    if (has_turn && !channel_is_closed(last))
        return false;
    publisher_wait(&s->pub, last, has_turn);
    return publisher_is_waiting(&s->pub);
}

/* Even when little is to be read, a whole small message is. */
static enum stream_status reader_peek_enough(struct session *s, size_t max,
                                             size_t *got, struct verdict *v)
{
    enum stream_status status = reader_peek(s, max, got, v);
    bool is_enough = status != STREAM_OK || *got > 0 ||
                     v->what != VERDICT_GO_ON || max >= PARTIAL_HEAD_MAX;
    if (is_enough)
        return status;
    if (!reader_must_wait(s))
        return reader_peek(s, PARTIAL_HEAD_MAX, got, v);
    *v = verdict(VERDICT_WAIT_GATE);
    return STREAM_OK;
}

/* Reads once: into the unfinished large message, and what exceeds that into the
 * scratch buffer, behind a small beginning if one was kept. The scratch buffer
 * is then processed. */
static enum stream_status reader_fill(struct session *s, size_t *got,
                                      struct verdict *v)
{
    struct clients *all = s->all;
    struct partial *p = s->partial;
    size_t max = reader_max(s), kept = 0, room = 0;
    uint8_t *at = NULL;
    bool is_tight = reader_is_tight(s, max);
    if (is_tight && !partial_is_large(p) && stream_can_peek(s->stream))
        return reader_peek_enough(s, max, got, v);
    if (partial_is_large(p))
        room = partial_room(
            p, &at, p->body_state == BODY_GRANTED ? READER_MAX_BYTES : max);
    else if (p)
        kept = p->head_bytes;
    struct iovec iov[2] = {{at, room}, {all->scratch + kept, max}};
    int iovs = is_tight ? 1 : 2; /* nothing behind the large message */
    enum stream_status status = room > 0
                                    ? stream_read(s->stream, iov, iovs, got)
                                    : stream_read(s->stream, iov + 1, 1, got);
    if (status != STREAM_OK)
        return status;
    reader_count(s, *got);
    size_t direct = *got < room ? *got : room;
    if (partial_is_large(p)) {
        *v = reader_take_large(s, direct, all->scratch, *got - direct);
    } else {
        *v = p ? reader_take_kept(s, *got)
               : reader_take(s, all->scratch, *got, reader_now(s));
    }
    return STREAM_OK;
}

/* A client that ends TLS by ending its connection has reset it; most do. */
static enum reason reader_broken(const struct session *s)
{
    const char *alert;
    enum tls_fault fault = tls_fault_of(s->stream, &alert);
    return fault == TLS_SOUND || fault == TLS_CUT ? REASON_RESET : REASON_TLS;
}

struct verdict reader_read(struct session *s, size_t *got)
{
    struct verdict v = verdict(VERDICT_GO_ON);
    *got = 0;
    if (s->partial && s->partial->is_unread) {
        *got = s->partial->head_bytes;
        return reader_take_kept(s, 0);
    }
    if (reader_must_wait(s))
        return verdict(VERDICT_WAIT_GATE);
    switch (reader_fill(s, got, &v)) {
    case STREAM_END:
        return session_kind(s)->end(s);
    case STREAM_RESET:
        return verdict_close(reader_broken(s));
    default:
        return v;
    }
}

/* A part of a record has come, and nothing to read: the rest has to come in
 * time as that of a message has. Its single octets give it no more. */
void reader_watch_part(struct session *s)
{
    if (s->state == SESSION_OPEN && s->waiting.wait != WAIT_FRAME &&
        tls_has_part(s->stream))
        reader_watch(s);
}

struct verdict reader_go_on(struct session *s)
{
    return s->partial ? reader_take_kept(s, 0)
                      : reader_take(s, s->all->scratch, 0, reader_now(s));
}

struct verdict reader_sip(struct session *s)
{
    struct verdict v = verdict(VERDICT_GO_ON);
    size_t got = 0;
    (void)reader_fill(s, &got, &v); /* the resting stream reports an end */
    bool is_waiting = v.what == VERDICT_LEAVE || v.what == VERDICT_WAIT_MEMORY;
    return is_waiting ? verdict(VERDICT_GO_ON) : v;
}

/* A small message that has been coming for as long as a message may make no
 * progress at all: only in version 1 each of its octets gives it more time.
 * What our kernel holds of it came in time. */
static bool reader_is_late(const struct session *s)
{
    const struct partial *p = s->partial;
    return p && session_kind(s)->is_duplex && !p->is_unread &&
           !partial_is_large(p) &&
           clock_elapsed_ms(reader_now(s), p->since) >=
               s->all->config.frame_ms &&
           stream_held(s->stream) == 0;
}

struct verdict reader_next(struct session *s)
{
    if (s->state != SESSION_OPEN)
        return verdict(VERDICT_GO_ON);
    if (session_kind(s)->must_rest(s))
        return verdict(VERDICT_REST);
    if (reader_is_late(s))
        return session_kind(s)->time_out(s, WAIT_FRAME);
    reader_watch(s);
    if (bypass_is_open(s))
        publisher_forget(&s->pub);
    if (publisher_is_waiting(&s->pub))
        return verdict(VERDICT_WAIT_GATE);
    if (identity_is_over(s))
        return verdict(VERDICT_WAIT_RATE);
    if (partial_is_large(s->partial) &&
        s->partial->body_state != BODY_GRANTED &&
        !admission_grant(&s->all->admission, s->partial))
        return verdict(VERDICT_WAIT_MEMORY);
    return verdict(VERDICT_GO_ON);
}
