/* SPDX-License-Identifier: MIT */
#include "broker/session/reader.h"

#include <string.h>

#include "broker/net/stream.h"
#include "broker/session/bypass.h"
#include "broker/session/clients.h"
#include "broker/session/partial.h"
#include "broker/session/state.h"

void reader_watch(struct session *s)
{
    struct clients *all = s->all;
    if (s->partial)
        waits_begin(&all->waits, &s->waiting, WAIT_FRAME,
                    reactor_now_ms(all->reactor));
    else
        session_kind(s)->await(s);
}

/* Keeps the rest, which is the beginning of a message, until more comes. */
static struct verdict reader_keep(struct session *s, const uint8_t *rest,
                                  size_t n, const struct decoded *d)
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
    if (is_large && !partial_begin_body(p, core_pool(all->core), rest + head,
                                        n - head, d->body_bytes))
        return verdict_close(REASON_NO_MEMORY);
    admission_keep(&all->admission, p);
    return verdict(VERDICT_GO_ON);
}

/* Processes `n` bytes that begin where a message begins. */
static struct verdict reader_take(struct session *s, const uint8_t *bytes,
                                  size_t n)
{
    struct decoded d = {.taken = 0};
    struct verdict v = verdict(VERDICT_GO_ON);
    size_t taken = 0;
    if (s->state == SESSION_HELLO) {
        v = session_kind(s)->hello(s, bytes, n, &d);
        taken = d.taken;
    }
    if (v.what == VERDICT_GO_ON && s->state != SESSION_HELLO) {
        v = session_kind(s)->decode(s, bytes + taken, n - taken, &d);
        taken += d.taken;
    }
    if (v.what == VERDICT_GO_ON)
        v = reader_keep(s, bytes + taken, n - taken, &d);
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
    admission_release(&s->all->admission, &s->partial);
    if (v.what == VERDICT_GO_ON)
        v = reader_take(s, bytes + fed, n - (size_t)fed);
    return v;
}

/* Whatever a read returns is accepted, even over a bound. So less is read when
 * memory is short, and little from a session whose target is unknown; one
 * whose target is full is not read at all. */
static size_t reader_max(const struct session *s)
{
    const struct clients *all = s->all;
    const struct budget *b = all->budget;
    bool is_known = session_kind(s)->target(s) != NULL;
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
    memcpy(scratch, s->partial->head, s->partial->head_bytes);
    n += s->partial->head_bytes;
    admission_release(&s->all->admission, &s->partial);
    return reader_take(s, scratch, n);
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
    if (partial_is_large(p))
        room = partial_room(
            p, &at, p->body_state == BODY_GRANTED ? READER_MAX_BYTES : max);
    else if (p)
        kept = p->head_bytes;
    struct iovec iov[2] = {{at, room}, {all->scratch + kept, max}};
    enum stream_status status = room > 0
                                    ? stream_read(s->stream, iov, 2, got)
                                    : stream_read(s->stream, iov + 1, 1, got);
    if (status != STREAM_OK)
        return status;
    all->turn_bytes += *got;
    counter_add(all->counters, COUNT_bytes_in, *got);
    size_t direct = *got < room ? *got : room;
    if (partial_is_large(p)) {
        *v = reader_take_large(s, direct, all->scratch, *got - direct);
    } else {
        *v = p ? reader_take_kept(s, *got) : reader_take(s, all->scratch, *got);
    }
    return STREAM_OK;
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
        return verdict_close(REASON_RESET);
    default:
        return v;
    }
}

struct verdict reader_sip(struct session *s)
{
    struct verdict v = verdict(VERDICT_GO_ON);
    size_t got;
    (void)reader_fill(s, &got, &v); /* the resting stream reports an end */
    return v;
}

struct verdict reader_next(struct session *s)
{
    if (s->state != SESSION_OPEN)
        return verdict(VERDICT_GO_ON);
    if (session_kind(s)->must_rest(s))
        return verdict(VERDICT_REST);
    reader_watch(s);
    if (bypass_is_open(s))
        publisher_forget(&s->pub);
    if (publisher_is_waiting(&s->pub))
        return verdict(VERDICT_WAIT_GATE);
    if (partial_is_large(s->partial) &&
        s->partial->body_state != BODY_GRANTED &&
        !admission_grant(&s->all->admission, s->partial))
        return verdict(VERDICT_WAIT_MEMORY);
    return verdict(VERDICT_GO_ON);
}
