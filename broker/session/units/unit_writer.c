/* SPDX-License-Identifier: MIT */
#include "broker/session/units/unit_writer.h"

#include "broker/core/channel.h"
#include "broker/core/queue_work.h"
#include "broker/net/reactor.h"
#include "broker/session/clients.h"
#include "broker/session/units/answer.h"
#include "broker/session/units/keepalive.h"
#include "broker/session/units/lanes.h"
#include "broker/session/units/replies.h"
#include "broker/session/units/unit_render.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"

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

/* The lane is told everything up to this number. */
static void unit_writer_pass(struct session *s, const struct subscriber *sub,
                             uint64_t number)
{
    struct backlog *outbox = sub->outbox;
    if (outbox->mark == 0 || number < outbox->mark)
        return;
    outbox->mark = 0;
    s->units->barrier.lanes--;
}

/* Messages one after another, all of one lane. */
struct run {
    struct subscriber *sub; /* NULL: none yet */
    uint64_t bytes;         /* of message frames */
    uint64_t number;        /* of the last */
    /* Of a queue: where the next one lies in the outbox. */
    uint32_t slice, message;
};

/* The number of the next message of a queue that is in the outbox of `sub`. */
static uint64_t run_peek(const struct run *run, const struct subscriber *sub)
{
    bool is_same = run->sub == sub;
    return backlog_at(sub->outbox, is_same ? run->slice : 0)->first +
           (is_same ? run->message : 0);
}

/* Goes over the next messages of a queue, at most so many, which follow one
 * another in one slice. Returns how many. */
static uint32_t run_step(struct run *run, uint32_t most)
{
    const struct slice *slice = backlog_at(run->sub->outbox, run->slice);
    uint32_t left = slice->messages - run->message;
    uint32_t messages = most < left ? most : left;
    uint64_t first = slice->first + run->message;
    run->number = first + messages - 1;
    run->message += messages;
    if (messages == left) {
        run->slice++;
        run->message = 0;
    }
    if (run->sub->worker)
        queue_work_sent(run->sub, first, messages);
    return messages;
}

static void run_end(struct session *s, struct run *run)
{
    struct subscriber *sub = run->sub;
    run->sub = NULL;
    if (!sub)
        return;
    unit_writer_pass(s, sub, run->number);
    if (sub->outbox->offered > 0)
        sub->outbox->told = run->number;
    subscriber_sent(sub, run->bytes);
    subscriber_count_sent(sub);
}

/* `messages` of a piece, from its first one on; they are so many bytes of the
 * outbox. */
static void run_add(struct session *s, struct run *run, const struct piece *p,
                    uint32_t messages, uint32_t bytes)
{
    if (messages == 0)
        return;
    if (run->sub != p->sub) {
        run_end(s, run);
        *run = (struct run){.sub = p->sub};
    }
    /* Its first byte was given up when it was begun. */
    bool was_begun = p->skipped > 0;
    run->bytes += bytes - was_begun;
    run->number = p->number + messages - 1;
    if (!channel_is_queue(p->sub->channel))
        return;
    while (messages > 0)
        messages -= run_step(run, messages);
}

static void settle_whole(struct session *s, struct run *run,
                         const struct piece *p)
{
    struct units *u = s->units;
    switch ((enum piece_kind)p->kind) {
    case PIECE_REST:
        (void)backlog_consume(u->rest, s->all->budget, p->bytes);
        backlog_disown(&u->rest, s->all->budget);
        break;
    case PIECE_ANSWERS:
        units_answers_sent(s, p->bytes);
        break;
    case PIECE_GAP:
        run_end(s, run);
        unit_writer_pass(s, p->sub, p->number);
        counter_add(s->all->counters, COUNT_gaps_told, 1);
        counter_add(s->all->counters, COUNT_messages_told,
                    p->number - p->gap_first + 1);
        subscriber_told(p->sub, p->number);
        break;
    case PIECE_MESSAGES:
        run_add(s, run, p, p->messages, p->outbox_bytes);
        break;
    }
}

/* What a piece of messages is made of: those that were written wholly, and of
 * the next one `put` bytes. */
struct cut {
    uint32_t messages, outbox_bytes;
    size_t put;
};

static uint32_t head_size(const uint8_t *unit)
{
    return (uint32_t)frame_size(frame_get_length(unit));
}

/* What was begun before is a piece of its own. */
static struct cut cut_of(const struct piece *p, size_t put)
{
    struct cut cut = {.put = put};
    const uint8_t *unit = p->units;
    for (; cut.messages + 1 < p->messages; cut.messages++) {
        uint32_t size = unit_render_size(unit);
        if (cut.put < size)
            break;
        cut.put -= size;
        cut.outbox_bytes += p->is_dressed ? size : size - head_size(unit);
        unit += size;
    }
    return cut;
}

/* A unit was written in part. Its first byte counts as sent, so that no policy
 * drops the message. */
static void settle_part(struct session *s, struct run *run,
                        const struct piece *p, size_t put)
{
    struct units *u = s->units;
    if (p->kind == PIECE_REST)
        (void)backlog_consume(u->rest, s->all->budget, put);
    if (p->kind == PIECE_ANSWERS)
        units_answers_sent(s, put);
    struct cut cut = cut_of(p, put);
    run_add(s, run, p, cut.messages, cut.outbox_bytes);
    uint64_t number =
        p->kind == PIECE_MESSAGES && channel_is_queue(p->sub->channel)
            ? run_peek(run, p->sub)
            : p->number + cut.messages;
    run_end(s, run);
    if (!p->sub || (cut.put == 0 && p->skipped == 0))
        return;
    u->started = (struct started){.sub = p->sub,
                                  .number = number,
                                  .gap_first = p->gap_first,
                                  .sent = p->skipped + (uint32_t)cut.put,
                                  .is_memory = p->is_memory};
    if (p->kind == PIECE_MESSAGES && p->skipped == 0)
        subscriber_sent(p->sub, 1);
}

static void unit_writer_settle(struct session *s, const struct unit_render *r,
                               size_t put)
{
    struct run run = {.sub = NULL};
    uint32_t i = 0;
    s->units->started = (struct started){.sub = NULL};
    for (; i < r->count && put >= r->pieces[i].bytes; i++) {
        put -= r->pieces[i].bytes;
        settle_whole(s, &run, &r->pieces[i]);
    }
    if (i < r->count)
        settle_part(s, &run, &r->pieces[i], put);
    else
        run_end(s, &run);
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

static void unit_writer_render(struct session *s, struct unit_render *r)
{
    struct units *u = s->units;
    unit_render_begin(r);
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
    struct unit_render *r = units_hub(s)->render;
    size_t put = 0;
    unit_writer_render(s, r);
    enum stream_status status = STREAM_OK;
    if (r->bytes > 0)
        status = stream_write(s->stream, r->iov, r->iovs, &put);
    if (status == STREAM_END || status == STREAM_RESET)
        return status;
    counter_add(all->counters, COUNT_bytes_out, put);
    unit_writer_settle(s, r, put);
    if (put > 0 && stream_wants_write(s->stream) &&
        s->waiting.wait == WAIT_PING)
        keepalive_renew(s);
    bool is_full = put < r->bytes;
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
                 has_lanes_to_write(u));
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
