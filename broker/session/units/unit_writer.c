/* SPDX-License-Identifier: MIT */
#include "broker/session/units/unit_writer.h"

#include "broker/core/channel.h"
#include "broker/net/reactor.h"
#include "broker/session/clients.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/keepalive.h"
#include "broker/session/units/lanes.h"
#include "broker/session/units/replies.h"
#include "broker/session/units/unit_render.h"
#include "broker/session/units/unit_settle.h"
#include "broker/session/units/units.h"

static bool has_lanes_to_write(const struct units *u)
{
    return !list_is_empty(&u->fresh) || !list_is_empty(&u->output) ||
           u->started.sub;
}

uint64_t unit_writer_owed_bytes(const struct session *s)
{
    const struct units *u = s->units;
    if (!u)
        return 0;
    uint64_t bytes = u->answers->bytes + u->rest->bytes;
    bool has_more = u->end == UNITS_ENDS || u->barrier.is_set;
    LIST_EACH (link, &u->output)
        bytes += LIST_OF(link, struct subscriber, dirty)->outbox->bytes;
    /* A long message that is taken slowly is progress. */
    bytes -= u->started.sent < bytes ? u->started.sent : bytes;
    bytes += stream_pledged(s->stream);
    return bytes + (has_lanes_to_write(u) || has_more);
}

/* Everything else was written. The client has time to take this, too, however
 * long it waited. */
static bool unit_writer_say_bye(struct session *s)
{
    struct units *u = s->units;
    u->end = UNITS_SAID_BYE;
    if (s->state == SESSION_LEAVING)
        waits_begin(&s->all->waits, &s->waiting, WAIT_LEAVE,
                    reactor_now_ms(s->all->reactor));
    return answer_ok(s, (struct span){u->bye_rid, u->bye_rid_length}) &&
           answer_bye(s);
}

/* The answer that had to wait for messages. */
static bool unit_writer_release(struct session *s)
{
    struct barrier *b = &s->units->barrier;
    struct span rid = {b->rid, b->rid_length};
    if (!b->is_set || b->is_working || b->lanes > 0)
        return true;
    b->is_set = false;
    if (b->sub)
        b->number = lanes_number(s, b->sub);
    b->sub = NULL;
    return b->has_number ? answer_ok_number(s, rid, b->number)
                         : answer_ok(s, rid);
}

/* A lane that has retired ends when it has nothing left. */
static void unit_writer_rest_lane(struct session *s, struct subscriber *sub)
{
    if (sub->outbox != BACKLOG_NONE)
        return;
    list_remove(&sub->dirty);
    sub->is_kept = false;
    if (sub->state != SUBSCRIBER_RETIRED)
        return;
    if (s->units->barrier.lanes > 0)
        s->units->barrier.lanes--;
    (void)lanes_close(s, sub); /* no unit of it was begun */
}

/* After an attempt to write: lanes that were written to their end rest; new
 * output is judged by the bounds of its channel. */
static void unit_writer_review(struct session *s)
{
    struct units *u = s->units;
    struct list fresh, kept, *link;
    list_init(&fresh);
    list_init(&kept);
    list_splice(&fresh, &u->fresh);
    list_splice(&kept, &u->output);
    while ((link = list_pop(&kept)) != NULL) {
        struct subscriber *sub = LIST_OF(link, struct subscriber, dirty);
        list_insert(&u->output, link);
        unit_writer_rest_lane(s, sub);
    }
    while ((link = list_pop(&fresh)) != NULL) {
        struct subscriber *sub = LIST_OF(link, struct subscriber, dirty);
        list_insert(&u->output, link);
        if (sub->outbox != BACKLOG_NONE)
            subscriber_flushed(sub);
        unit_writer_rest_lane(s, sub);
    }
}

/* The lane that was written last comes last. */
static bool unit_writer_render_lanes(struct units *u, struct list *lanes,
                                     struct unit_render *r)
{
    LIST_EACH (link, lanes) {
        struct subscriber *sub = LIST_OF(link, struct subscriber, dirty);
        bool is_begun = u->started.sub == sub && u->started.gap_first == 0;
        if (u->started.sub == sub && !is_begun)
            continue; /* a gap: what follows is told in the next round */
        if (sub->outbox == BACKLOG_NONE)
            continue;
        if (!unit_render_lane(r, sub, is_begun)) {
            struct list *next = link->next;
            if (next != lanes) { /* begin there the next time */
                list_remove(lanes);
                list_insert(next, lanes);
            }
            return false;
        }
    }
    return true;
}

static void unit_writer_render(struct session *s, struct unit_render *r,
                               size_t pledged)
{
    struct units *u = s->units;
    unit_render_begin(r);
    unit_render_pledged(r, pledged);
    if (u->started.sub)
        unit_render_started(r, &u->started);
    if (unit_render_backlog(r, u->rest, PIECE_REST) &&
        unit_render_backlog(r, u->answers, PIECE_ANSWERS) &&
        unit_writer_render_lanes(u, &u->output, r))
        (void)unit_writer_render_lanes(u, &u->fresh, r);
}

static enum stream_status unit_writer_write(struct session *s)
{
    struct clients *all = s->all;
    struct units *u = s->units;
    struct unit_render *r = units_hub(s)->render;
    size_t put = 0, before = u->has_pledged ? stream_pledged(s->stream) : 0;
    unit_writer_render(s, r, before);
    enum stream_status status = STREAM_OK;
    if (r->iovs > 0)
        status = stream_write(s->stream, r->iov, r->iovs, &put);
    if (status == STREAM_END || status == STREAM_RESET)
        return status;
    counter_add(all->counters, COUNT_bytes_out, put);
    bool is_full = put < before + r->bytes;
    size_t pledged = is_full ? stream_pledged(s->stream) : 0;
    u->has_pledged = pledged > 0;
    if (before + pledged > 0)
        unit_settle_pledged(s, r, put + pledged - before,
                            put > before ? put - before : 0);
    else
        unit_settle(s, r, put);
    if (put > 0 && stream_wants_write(s->stream) &&
        s->waiting.wait == WAIT_PING)
        keepalive_renew(s);
    unit_writer_review(s);
    return is_full ? STREAM_AGAIN : STREAM_OK;
}

/* Answers that were due when all before them was written. */
static bool unit_writer_add_last(struct session *s)
{
    struct units *u = s->units;
    if (!unit_writer_release(s))
        return false;
    bool is_last = u->end == UNITS_ENDS && !u->barrier.is_set &&
                   !has_lanes_to_write(u) && backlog_is_empty(u->rest) &&
                   backlog_is_empty(u->answers) && list_is_empty(&u->parked) &&
                   list_is_empty(&u->synced.marks);
    return !is_last || unit_writer_say_bye(s);
}

static bool unit_writer_has_work(const struct session *s)
{
    const struct units *u = s->units;
    return u && (!backlog_is_empty(u->answers) || !backlog_is_empty(u->rest) ||
                 has_lanes_to_write(u) || u->has_pledged);
}

enum stream_status unit_writer_flush(struct session *s)
{
    enum stream_status status = STREAM_OK;
    if (!s->units)
        return STREAM_OK;
    while (status == STREAM_OK) {
        if (!unit_writer_add_last(s))
            return STREAM_RESET;
        if (!unit_writer_has_work(s))
            break;
        status = unit_writer_write(s);
    }
    if (!replies_review(s))
        return STREAM_RESET;
    units_review_rest(s);
    if (status == STREAM_OK)
        units_tidy(s);
    return status;
}
