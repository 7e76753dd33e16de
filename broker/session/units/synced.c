/* SPDX-License-Identifier: MIT */
#include "broker/session/units/synced.h"

#include <string.h>

#include "broker/core/core.h"
#include "broker/session/clients.h"
#include "broker/session/session.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/parked.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"
#include "proto/head.h"

/* What a session published in one turn of the core. */
struct synced_mark {
    struct list link; /* of the hub's */
    struct list own;  /* of the session's */
    struct session *session;
    uint64_t turn;
    uint32_t bytes, receipts;
};

bool synced_is_waiting(const struct session *s)
{
    return s->units && !list_is_empty(&s->units->synced.marks);
}

enum unit_error synced_refusal(const struct session *s, uint64_t bytes)
{
    const struct core *core = s->all->core;
    if (core_store_has_failed(core))
        return UNIT_DISK;
    return core_store_lacks_room(core, bytes) ? UNIT_FULL : UNIT_OK;
}

static uint64_t synced_bound(const struct session *s)
{
    return budget_is_short(s->all->budget) ? SYNCED_MAX / SYNCED_SHORT_PART
                                           : SYNCED_MAX;
}

/* Marks. */

static struct synced_mark *mark_new(struct session *s, uint64_t turn)
{
    struct synced_mark *m = budget_alloc(s->all->budget, sizeof *m);
    if (!m)
        return NULL;
    *m = (struct synced_mark){.session = s, .turn = turn};
    list_insert(&s->units->synced.marks, &m->own);
    list_insert(&units_hub(s)->synced, &m->link);
    return m;
}

/* That of this turn; NULL without memory. */
static struct synced_mark *mark_obtain(struct session *s)
{
    const struct list *marks = &s->units->synced.marks;
    uint64_t turn = core_turn(s->all->core);
    struct synced_mark *last = LIST_OF(marks->prev, struct synced_mark, own);
    return list_is_empty(marks) || last->turn != turn ? mark_new(s, turn)
                                                      : last;
}

static void mark_free(struct synced_mark *m)
{
    struct session *s = m->session;
    counter_sub(s->all->counters, COUNT_sync_waiting, m->receipts);
    list_remove(&m->link);
    list_remove(&m->own);
    budget_free(s->all->budget, m, sizeof *m);
}

static void synced_release(struct session *s)
{
    struct synced *y = &s->units->synced;
    backlog_release(&y->receipts, s->all->budget);
    if (y->room)
        block_unref(y->room);
    y->room = NULL;
}

/* Adding. */

uint64_t synced_left(const struct session *s)
{
    uint64_t most = synced_bound(s);
    uint64_t bytes = s->units ? s->units->synced.receipts->bytes : 0;
    return bytes < most ? most - bytes : 0;
}

uint8_t *synced_room(struct session *s, uint32_t n, uint32_t *room)
{
    struct units *u = units_obtain(s);
    struct synced *y = u ? &u->synced : NULL;
    if (!y || !units_make_room(s, &y->room, n) ||
        !backlog_own(&y->receipts, s->all->budget))
        return NULL;
    *room = y->room->capacity - y->room->used;
    return y->room->bytes + y->room->used;
}

/* Their numbers only have them joined. */
static bool synced_push(struct session *s, uint32_t n, uint32_t receipts)
{
    struct synced *y = &s->units->synced;
    const struct backlog *b = y->receipts;
    const struct slice *last =
        b->count > 0 ? backlog_at(b, b->count - 1) : NULL;
    struct slice slice = {.block = y->room,
                          .offset = y->room->used,
                          .length = n,
                          .messages = (uint16_t)receipts,
                          .first = last ? last->first + last->messages : 0};
    y->room->used += n;
    return backlog_push(y->receipts, s->all->budget, &slice);
}

bool synced_added(struct session *s, uint32_t n, uint32_t receipts)
{
    struct synced *y = &s->units->synced;
    struct synced_mark *m = mark_obtain(s);
    if (!m || !synced_push(s, n, receipts))
        return false;
    m->bytes += n;
    m->receipts += receipts;
    counter_add(s->all->counters, COUNT_sync_waiting, receipts);
    if (!y->is_held_back && synced_left(s) == 0) {
        y->is_held_back = true;
        counter_add(s->all->counters, COUNT_sync_rests, 1);
    }
    return true;
}

bool synced_add(struct session *s, struct span rid, const struct receipt *r,
                bool is_synced)
{
    struct head_writer w = answer_begin_receipt(s, rid, r);
    uint32_t n, room;
    if (is_synced)
        head_add_option_number(&w, UNIT_OPTION_sync, 1);
    const uint8_t *octets = answer_octets(s, &w, &n);
    uint8_t *at = octets ? synced_room(s, n, &room) : NULL;
    if (!at)
        return false;
    memcpy(at, octets, n);
    return synced_added(s, n, 1);
}

/* Sending. */

/* The session is read on when half has gone; and when the disk is full, for
 * then there will be no more, and what it has to acknowledge makes room. */
static void synced_review(struct session *s)
{
    struct synced *y = &s->units->synced;
    bool is_open = core_store_state(s->all->core) == STORE_OPEN;
    if (y->is_held_back &&
        (!is_open || y->receipts->bytes <= synced_bound(s) / 2)) {
        y->is_held_back = false;
        units_write_later(s->units);
    }
}

/* The first receipts, which lie in one slice: up to so many bytes. The
 * reference on their block is the caller's. */
static struct slice synced_take(struct synced_mark *m)
{
    struct session *s = m->session;
    struct backlog *b = s->units->synced.receipts;
    const struct slice *first = backlog_first(b);
    uint32_t bytes = first->length, receipts = first->messages;
    if (bytes > m->bytes) {
        bytes = m->bytes;
        receipts = m->receipts;
    }
    m->bytes -= bytes;
    m->receipts -= receipts;
    counter_sub(s->all->counters, COUNT_sync_waiting, receipts);
    return backlog_take(b, s->all->budget, bytes, receipts);
}

/* A receipt that would say what is not so is an error instead. */
static bool refuse_one(struct session *s, const uint8_t *unit, uint32_t n)
{
    struct head head;
    bool is_head = head_parse_leniently(&head, unit + FRAME_HEAD_BYTES,
                                        frame_get_length(unit));
    return is_head && head_has(&head, UNIT_OPTION_sync)
               ? answer_error(s, UNIT_DISK, head.rid, span_of("PUB"))
               : units_add_answer(s, unit, n);
}

static bool refuse(struct session *s, const struct slice *receipts)
{
    const uint8_t *unit = slice_bytes(receipts);
    bool is_ok = true;
    for (uint32_t i = 0; i < receipts->messages && is_ok; i++) {
        uint32_t n =
            (uint32_t)(frame_size(frame_get_length(unit)) + FRAME_HEAD_BYTES);
        is_ok = refuse_one(s, unit, n);
        unit += n;
    }
    return is_ok;
}

static void synced_settle(struct synced_mark *m,
                          bool (*settle)(struct session *s,
                                         const struct slice *receipts))
{
    struct session *s = m->session;
    bool is_ok = true;
    while (m->receipts > 0 && is_ok) {
        struct slice some = synced_take(m);
        is_ok = settle(s, &some);
        block_unref(some.block);
    }
    mark_free(m);
    if (list_is_empty(&s->units->synced.marks))
        synced_release(s);
    synced_review(s);
    if (!is_ok)
        session_close(s, REASON_NO_MEMORY);
}

static void synced_review_state(struct unit_hub *hub)
{
    enum store_state state = core_store_state(hub->all->core);
    if (state == hub->store_state)
        return;
    hub->store_state = state;
    LIST_EACH (link, &hub->synced)
        synced_review(LIST_OF(link, struct synced_mark, link)->session);
    if (state == STORE_OPEN)
        return;
    LIST_EACH_SAFE (link, &hub->all->list) {
        struct session *s = LIST_OF(link, struct session, link);
        if (session_kind(s)->version == HEAD_VERSION && s->units &&
            !parked_refuse_synced(s, synced_refusal(s, 0)))
            session_close(s, REASON_NO_MEMORY);
    }
}

__attribute__((noinline)) void synced_end_turn(struct unit_hub *hub)
{
    const struct core *core = hub->all->core;
    bool has_failed = core_store_has_failed(core);
    while (!list_is_empty(&hub->synced)) {
        struct synced_mark *m =
            LIST_OF(hub->synced.next, struct synced_mark, link);
        if (m->turn > core_durable_turn(core) && !has_failed)
            break;
        synced_settle(m, m->turn > core_durable_turn(core) ? refuse
                                                           : units_add_answers);
    }
    synced_review_state(hub);
}

void synced_end(struct session *s)
{
    struct units *u = s->units;
    if (!u)
        return;
    while (!list_is_empty(&u->synced.marks))
        mark_free(LIST_OF(u->synced.marks.next, struct synced_mark, own));
    synced_release(s);
}
