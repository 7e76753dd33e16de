/* SPDX-License-Identifier: MIT */
#include "broker/core/settling.h"

#include <string.h>

#include "broker/core/channel.h"
#include "broker/core/held.h"

enum {
    SETTLE_AFTER_MS = 1000,
    /* In one turn, so that others are served in between. */
    BUCKETS_AT_ONCE = 1024,
    MESSAGES_AT_ONCE = 256,
    /* Blocks that are not full yet, or not sent: no reason to look. */
    SLACK_BYTES = 4 * BLOCK_BYTES,
};

/* Messages that will share a block. */
struct batch {
    struct held *messages[MESSAGES_AT_ONCE];
    uint32_t count, bytes;
};

static bool is_wasteful(const struct ledger *l, uint64_t slack)
{
    const struct channel *ch = l->channel;
    uint64_t alive = l->bytes + ch->kind->held(ch)->bytes;
    return ch->account.bytes > 2 * alive + slack;
}

/* One that was not sent yet is in an outbox as well. */
static bool may_settle(const struct held *h, clock_ms now, uint32_t after_ms)
{
    const struct block *b = h->slice.block;
    if (h->slice.has_text || b->held >= b->capacity / 2)
        return false;
    return h->state != HELD_OUT ||
           (h->is_sent && clock_elapsed_ms(now, h->due) >= after_ms);
}

/* False when there is no room for more. */
static bool batch_add(struct batch *batch, struct held *h)
{
    if (batch->count == MESSAGES_AT_ONCE ||
        batch->bytes + h->slice.length > BLOCK_BYTES)
        return false;
    batch->messages[batch->count++] = h;
    batch->bytes += h->slice.length;
    return true;
}

static void held_move(struct held *h, struct block *to)
{
    struct slice *s = &h->slice;
    memcpy(to->bytes + to->used, slice_bytes(s), s->length);
    s->block->held -= s->length;
    block_unref(s->block);
    s->block = block_ref(to);
    s->offset = to->used;
    to->used += s->length;
    to->held += s->length;
}

/* Into one block of just their size. Without memory they stay. */
static void batch_move(const struct batch *batch, struct channel *ch)
{
    struct block *to =
        batch->count > 0 ? block_new(&ch->turn->pool, batch->bytes) : NULL;
    if (!to)
        return;
    block_assign(to, &ch->account);
    for (uint32_t i = 0; i < batch->count; i++)
        held_move(batch->messages[i], to);
    block_unref(to);
}

/* Goes on from where the last one ended. */
static void settle(struct ledger *l, uint32_t after_ms)
{
    struct batch batch = {.count = 0, .bytes = 0};
    clock_ms now = l->channel->turn->now;
    bool has_room = true;
    uint32_t i = l->settled < l->bucket_count ? l->settled : 0;
    uint32_t end = i + BUCKETS_AT_ONCE;
    for (; has_room && i < end && i < l->bucket_count; i += has_room)
        for (struct held *h = l->buckets[i]; h && has_room; h = h->next)
            if (may_settle(h, now, after_ms))
                has_room = batch_add(&batch, h);
    l->settled = i < l->bucket_count ? i : 0;
    batch_move(&batch, l->channel);
}

/* It may have been all in vain, if others keep the blocks. */
static void on_settle(struct turn_alarm *a)
{
    struct ledger *l = LIST_OF(a, struct ledger, settle_alarm);
    settle(l, SETTLE_AFTER_MS);
    if (l->settled > 0)
        turn_set_alarm(l->channel->turn, a, 1);
    else
        settling_review(l);
}

void settling_init(struct ledger *l)
{
    alarm_init(&l->settle_alarm.alarm);
    l->settle_alarm.ring = on_settle;
}

void settling_fini(struct ledger *l)
{
    turn_cancel_alarm(l->channel->turn, &l->settle_alarm);
}

void settling_review(struct ledger *l)
{
    if (!alarm_is_set(&l->settle_alarm.alarm) && is_wasteful(l, SLACK_BYTES))
        turn_set_alarm(l->channel->turn, &l->settle_alarm, SETTLE_AFTER_MS);
}

void settling_press(struct ledger *l)
{
    if (is_wasteful(l, 0))
        settle(l, 0);
}
