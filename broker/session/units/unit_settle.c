/* SPDX-License-Identifier: MIT */
#include "broker/session/units/unit_settle.h"

#include "broker/core/channel.h"
#include "broker/core/queue_work.h"
#include "broker/session/clients.h"
#include "broker/session/units/pledges.h"
#include "broker/session/units/unit_render.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"

/* The lane is told everything up to this number. */
static void lane_pass(struct session *s, const struct subscriber *sub,
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
    /* Of what was taken now: the piece begins there, and so many bytes the
     * kernel has, or all. */
    size_t at, written;
    bool is_pledging;
};

__attribute__((noinline, cold)) static void run_skip_pledged(struct run *run)
{
    struct pledges_place place = pledges_place(run->sub->outbox);
    run->slice = place.slice;
    run->message = place.message;
}

static void run_begin(struct run *run, struct subscriber *sub)
{
    run->sub = sub;
    run->bytes = 0;
    run->slice = run->message = 0;
    if (run->is_pledging && channel_is_queue(sub->channel))
        run_skip_pledged(run);
}

/* The number of the next message of a queue that is in the outbox. */
static uint64_t run_peek(const struct run *run)
{
    return backlog_at(run->sub->outbox, run->slice)->first + run->message;
}

/* Goes over the next messages of a queue, at most so many, which follow one
 * another in one slice. Returns how many. */
static uint32_t run_step(struct run *run, uint32_t most)
{
    const struct slice *slice = backlog_at(run->sub->outbox, run->slice);
    uint32_t left = slice->messages - run->message;
    uint32_t messages = most < left ? most : left;
    run->number = slice->first + run->message + messages - 1;
    run->message += messages;
    if (messages == left) {
        run->slice++;
        run->message = 0;
    }
    return messages;
}

static void run_end(struct session *s, struct run *run)
{
    struct subscriber *sub = run->sub;
    run->sub = NULL;
    if (!sub || run->bytes == 0)
        return;
    lane_pass(s, sub, run->number);
    if (sub->outbox->offered > 0)
        sub->outbox->told = run->number;
    subscriber_sent(sub, run->bytes);
    subscriber_count_sent(sub);
}

static void run_turn_to(struct session *s, struct run *run,
                        struct subscriber *sub)
{
    if (run->sub == sub)
        return;
    run_end(s, run);
    run_begin(run, sub);
}

/* `messages` of a piece, from its first one on; they are so many bytes of the
 * outbox. */
static void run_add(struct run *run, const struct piece *p, uint32_t messages,
                    uint32_t bytes)
{
    run->bytes += bytes;
    if (!channel_is_queue(p->sub->channel)) {
        /* Its first byte was given up when it was begun. */
        run->bytes -= p->skipped > 0;
        run->number = p->number + messages - 1;
        return;
    }
    while (messages > 0) {
        uint32_t n = run_step(run, messages);
        if (run->sub->worker)
            queue_work_sent(run->sub, run->number + 1 - n, n);
        messages -= n;
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

/* The messages of a piece of a queue behind the first ones, up to so many, were
 * taken, and the kernel does not have them. */
static void run_pledge(struct session *s, struct run *run,
                       const struct piece *p, uint32_t first, uint32_t messages)
{
    const uint8_t *unit = p->units;
    size_t end = 0;
    for (uint32_t i = 0; i < messages; i++) {
        uint32_t bytes = p->outbox_bytes, size = p->bytes;
        if (p->messages > 1) {
            size = unit_render_size(unit);
            bytes = p->is_dressed ? size : size - head_size(unit);
            unit += size;
        }
        end += size;
        if (i < first)
            continue;
        pledges_add(s, run->sub, run_peek(run), bytes, run->at + end);
        (void)run_step(run, 1);
    }
}

/* Of so many messages of a piece, which end there, some are sent. */
__attribute__((noinline, cold)) static void
run_take_pledged(struct session *s, struct run *run, const struct piece *p,
                 uint32_t messages)
{
    struct cut sent =
        cut_of(p, run->written > run->at ? run->written - run->at : 0);
    if (sent.messages > 0)
        run_add(run, p, sent.messages, sent.outbox_bytes);
    run_pledge(s, run, p, sent.messages, messages);
}

/* So many messages of a piece were taken, which end so many bytes behind its
 * begin. */
static void run_take(struct session *s, struct run *run, const struct piece *p,
                     const struct cut *taken, size_t end)
{
    if (taken->messages == 0)
        return;
    run_turn_to(s, run, p->sub);
    if (run->is_pledging && run->written < run->at + end &&
        channel_is_queue(p->sub->channel))
        run_take_pledged(s, run, p, taken->messages);
    else
        run_add(run, p, taken->messages, taken->outbox_bytes);
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
        lane_pass(s, p->sub, p->number);
        counter_add(s->all->counters, COUNT_gaps_told, 1);
        counter_add(s->all->counters, COUNT_messages_told,
                    p->number - p->gap_first + 1);
        subscriber_told(p->sub, p->number);
        break;
    case PIECE_MESSAGES:
        run_take(s, run, p, &(struct cut){p->messages, p->outbox_bytes, 0},
                 p->bytes);
        break;
    }
}

/* A unit was taken in part. The first byte of it counts as sent, so that no
 * policy drops the message; messages of queues are never dropped. */
static void settle_part(struct session *s, struct run *run,
                        const struct piece *p, size_t taken)
{
    struct units *u = s->units;
    if (p->kind == PIECE_REST)
        (void)backlog_consume(u->rest, s->all->budget, taken);
    if (p->kind == PIECE_ANSWERS)
        units_answers_sent(s, taken);
    struct cut cut = cut_of(p, taken);
    bool is_begun = p->sub && (cut.put > 0 || p->skipped > 0);
    bool is_message = p->kind == PIECE_MESSAGES;
    bool is_queue = is_message && channel_is_queue(p->sub->channel);
    run_take(s, run, p, &cut, taken - cut.put);
    uint64_t number = p->number + cut.messages;
    if (is_queue && is_begun) {
        run_turn_to(s, run, p->sub);
        number = run_peek(run);
    }
    run_end(s, run);
    if (!is_begun)
        return;
    u->started = (struct started){.sub = p->sub,
                                  .number = number,
                                  .gap_first = p->gap_first,
                                  .sent = p->skipped + (uint32_t)cut.put,
                                  .is_memory = p->is_memory};
    if (is_message && !is_queue && p->skipped == 0)
        subscriber_sent(p->sub, 1);
}

/* Messages of queues that may have to be remembered as pledged. */
static uint32_t count_of_queues(const struct unit_render *r)
{
    uint32_t messages = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct piece *p = &r->pieces[i];
        if (p->kind == PIECE_MESSAGES && channel_is_queue(p->sub->channel))
            messages += p->messages;
    }
    return messages;
}

/* Twice, since the version that pledges nothing costs less. */
static inline __attribute__((always_inline)) void
settle(struct session *s, const struct unit_render *r, size_t taken,
       size_t written, bool is_pledging)
{
    struct run run = {.written = written, .is_pledging = is_pledging};
    uint32_t i = 0;
    s->units->started = (struct started){.sub = NULL};
    for (; i < r->count && taken - run.at >= r->pieces[i].bytes; i++) {
        settle_whole(s, &run, &r->pieces[i]);
        run.at += r->pieces[i].bytes;
    }
    if (i < r->count)
        settle_part(s, &run, &r->pieces[i], taken - run.at);
    else
        run_end(s, &run);
}

/* Flattened: it runs once for each client and turn. */
__attribute__((flatten)) void
unit_settle(struct session *s, const struct unit_render *r, size_t taken)
{
    settle(s, r, taken, taken, false);
}

/* Without memory for that it counts as sent. */
void unit_settle_pledged(struct session *s, const struct unit_render *r,
                         size_t taken, size_t written)
{
    uint32_t messages = count_of_queues(r);
    pledges_progress(s, taken);
    if (messages > 0 && !pledges_reserve(s, messages))
        written = taken;
    settle(s, r, taken, written, true);
    pledges_taken(s, taken);
}
