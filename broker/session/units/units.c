/* SPDX-License-Identifier: MIT */
#include "broker/session/units/units.h"

#include <string.h>

#include "broker/net/reactor.h"
#include "broker/net/stream.h"
#include "broker/session/clients.h"

/* Not cleared by calloc(), which does not take memory that was freed a moment
 * ago: what a client needs only to connect would leave a hole for each of
 * them. */
struct units *units_obtain(struct session *s)
{
    if (s->units)
        return s->units;
    struct units *u = budget_alloc(s->all->budget, sizeof *u);
    if (!u)
        return NULL;
    *u = (struct units){.session = s};
    u->answers = BACKLOG_NONE;
    u->ping_ms = UNITS_PING_DEFAULT;
    u->rest = BACKLOG_NONE;
    list_init(&u->lanes);
    list_init(&u->early);
    list_init(&u->errand.link);
    idmap_init(&u->index, s->all->budget);
    idmap_init(&u->patterns, s->all->budget);
    list_init(&u->fresh);
    list_init(&u->requests);
    list_init(&u->parked);
    list_init(&u->synced.marks);
    u->synced.receipts = BACKLOG_NONE;
    list_init(&u->replies);
    list_init(&u->own_replies);
    list_init(&u->wildcards);
    list_init(&u->output);
    list_init(&u->writing);
    list_init(&u->rested);
    alarm_init(&u->ping.alarm);
    s->units = u;
    return u;
}

static void units_close_room(struct units *u)
{
    if (u->room)
        block_unref(u->room);
    u->room = NULL;
}

static void units_drop_answers(struct session *s)
{
    units_close_room(s->units);
    backlog_release(&s->units->answers, s->all->budget);
}

void units_free(struct session *s)
{
    struct units *u = s->units;
    if (!u)
        return;
    list_remove(&u->writing);
    list_remove(&u->rested);
    hub_cancel_alarm(units_hub(s), &u->ping);
    units_drop_answers(s);
    backlog_release(&u->rest, s->all->budget);
    s->units = NULL;
    budget_free(s->all->budget, u, sizeof *u);
}

void units_answers_sent(struct session *s, size_t bytes)
{
    struct units *u = s->units;
    (void)backlog_consume(u->answers, s->all->budget, bytes);
    if (backlog_is_empty(u->answers))
        units_drop_answers(s);
}

/* An error is met again, and treated, when the turn ends. */
void units_relieve(struct session *s)
{
    enum { IOVS = 64 };
    struct iovec iov[IOVS];
    struct units *u = s->units;
    size_t bytes, put = 0;
    if (!u || u->answers->bytes <= UNITS_ANSWERS_MANY || u->started.sub ||
        !backlog_is_empty(u->rest) || stream_wants_write(s->stream) ||
        u->has_pledged)
        return;
    int n = backlog_iov(u->answers, iov, IOVS, &bytes);
    (void)stream_write(s->stream, iov, n, &put);
    size_t pledged = put < bytes ? stream_pledged(s->stream) : 0;
    if (put + pledged == 0)
        return;
    u->has_pledged = pledged > 0;
    counter_add(s->all->counters, COUNT_bytes_out, put);
    units_answers_sent(s, put + pledged);
}

/* Blocks begin small and double: a client that takes no answers is given
 * little. */
bool units_make_room(struct session *s, struct block **block, uint32_t n)
{
    enum { LEAST = 512, MOST = 16 << 10 };
    struct block *room = *block;
    uint32_t capacity = room ? 2 * room->capacity : LEAST;
    if (room && room->capacity - room->used >= n)
        return true;
    if (capacity > MOST)
        capacity = MOST;
    if (capacity < n)
        capacity = n;
    struct block *b = block_new(core_pool(s->all->core), capacity);
    if (!b)
        return false;
    block_assign(b, &units_hub(s)->account);
    if (room)
        block_unref(room);
    *block = b;
    return true;
}

uint8_t *units_answer_room(struct session *s, uint32_t n, uint32_t *room)
{
    struct units *u = units_obtain(s);
    if (!u || !units_make_room(s, &u->room, n) ||
        !backlog_own(&u->answers, s->all->budget))
        return NULL;
    *room = u->room->capacity - u->room->used;
    return u->room->bytes + u->room->used;
}

/* Not by backlog_gather(): that is part of the path of a queue's messages, and
 * compilers only make it so while it has no other caller. Answers are numbered,
 * so that those of one block are joined. */
static bool units_push(struct session *s, struct slice *answers)
{
    struct units *u = s->units;
    struct backlog *b = u->answers;
    const struct slice *last =
        b->count > 0 ? backlog_at(b, b->count - 1) : NULL;
    answers->first = last ? last->first + last->messages : 0;
    answers->at = reactor_now_ms(s->all->reactor);
    units_write_later(u);
    return backlog_push(b, s->all->budget, answers);
}

bool units_answers_added(struct session *s, uint32_t n, uint32_t answers)
{
    struct block *room = s->units->room;
    struct slice slice = {.block = room,
                          .offset = room->used,
                          .length = n,
                          .messages = (uint16_t)answers};
    room->used += n;
    return units_push(s, &slice);
}

bool units_add_answers(struct session *s, const struct slice *slice)
{
    struct slice answers = *slice;
    return backlog_own(&s->units->answers, s->all->budget) &&
           units_push(s, &answers);
}

bool units_add_answer(struct session *s, const uint8_t *bytes, uint32_t n)
{
    uint32_t room;
    uint8_t *at = units_answer_room(s, n, &room);
    if (!at)
        return false;
    memcpy(at, bytes, n);
    return units_answers_added(s, n, 1);
}

void units_tidy(struct session *s)
{
    const struct units *u = s->units;
    if (u && backlog_is_empty(u->answers) && u->discard_bytes == 0 &&
        u->ping_ms == UNITS_PING_DEFAULT && u->end == UNITS_GOES_ON &&
        !u->barrier.is_set && !u->reads_null && !u->ration &&
        list_is_empty(&u->requests) && list_is_empty(&u->synced.marks) &&
        list_is_empty(&u->own_replies) && list_is_empty(&u->parked) &&
        list_is_empty(&u->wildcards) && list_is_empty(&u->lanes) &&
        list_is_empty(&u->fresh) && list_is_empty(&u->output) &&
        list_is_empty(&u->early) && backlog_is_empty(u->rest) &&
        list_is_empty(&u->rested) && !u->has_pledged)
        units_free(s);
}

void units_write_later(struct units *u)
{
    if (list_is_empty(&u->writing))
        list_insert(&units_hub(u->session)->writing, &u->writing);
}

/* Once it rests, until half has gone. */
bool units_must_rest(const struct session *s)
{
    uint64_t most =
        s->state == SESSION_PAUSED ? UNITS_ANSWERS_MAX / 2 : UNITS_ANSWERS_MAX;
    const struct units *u = s->units;
    return u && (u->answers->bytes > most || u->barrier.is_set ||
                 u->is_held_back || u->synced.is_held_back);
}

void units_review_rest(struct session *s)
{
    struct units *u = s->units;
    if (s->state == SESSION_PAUSED && s->waiting.wait != WAIT_MEMORY &&
        s->waiting.wait != WAIT_RATE && u && list_is_empty(&u->rested) &&
        !units_must_rest(s))
        list_insert(&units_hub(s)->rested, &u->rested);
}

size_t units_discard(struct session *s, size_t n)
{
    struct units *u = s->units;
    if (!u || u->discard_bytes == 0)
        return 0;
    if (n > u->discard_bytes)
        n = (size_t)u->discard_bytes;
    u->discard_bytes -= n;
    return n;
}
