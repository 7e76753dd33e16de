/* SPDX-License-Identifier: MIT */
#include "broker/core/trail.h"

#include <assert.h>

#include "broker/core/keep.h"
#include "broker/core/queue_parts.h"
#include "broker/core/subscriber.h"

static struct turn *turn_of(const struct trail *t)
{
    return t->keep->queue->channel.turn;
}

static struct trail *trail_new(struct keep *k, struct subscriber *s)
{
    struct budget *budget = k->queue->channel.turn->budget;
    struct trail *t = budget_zalloc(budget, sizeof *t);
    if (!t)
        return NULL;
    t->keep = k;
    t->sub = s;
    t->given = BACKLOG_NONE;
    list_init(&t->link);
    s->trail = t;
    return t;
}

/* Has room for one slice. One without any costs little, and ends with its
 * consumer. NULL without memory. */
static struct trail *trail_obtain(struct keep *k, struct subscriber *s)
{
    struct trail *t = s->trail ? s->trail : trail_new(k, s);
    struct budget *budget = k->queue->channel.turn->budget;
    if (!t || !backlog_own(&t->given, budget) ||
        !backlog_grow(t->given, budget))
        return NULL;
    return t;
}

void trail_free(struct trail *t)
{
    struct budget *budget = turn_of(t)->budget;
    list_remove(&t->link);
    t->keep->given.messages -= t->given->messages;
    t->keep->given.bytes -= t->given->bytes;
    backlog_release(&t->given, budget);
    budget_free(budget, t, sizeof *t);
}

static void trail_add(struct trail *t, const struct slice *s)
{
    bool is_pushed = backlog_push(t->given, turn_of(t)->budget, s);
    assert(is_pushed);
    (void)is_pushed;
    t->keep->given.messages += s->messages;
    t->keep->given.bytes += s->length;
    if (list_is_empty(&t->link))
        list_insert(&t->keep->keeper->trails, &t->link);
}

bool trail_give(struct keep *k, struct subscriber *s, const struct slice *slice)
{
    struct trail *t = trail_obtain(k, s);
    if (!t || !subscriber_push(s, slice))
        return false;
    trail_add(t, slice);
    return true;
}

/* The first so many bytes are done, of whole messages. */
static void trail_consume(struct trail *t, uint64_t bytes)
{
    const struct turn *turn = turn_of(t);
    struct backlog *b = t->given;
    while (b->count > 0) {
        const struct slice *first = backlog_first(b);
        uint64_t left = first->length - b->sent;
        if (bytes < left)
            break;
        keep_ack(t->keep, first->first, first->messages);
        backlog_consume(b, turn->budget, left);
        bytes -= left;
    }
    if (bytes == 0)
        return;
    uint64_t number = backlog_first(b)->first;
    backlog_consume(b, turn->budget, bytes);
    keep_ack(t->keep, number,
             backlog_forget_sent(b, turn->config.message_size));
}

/* What is in the outbox, and was not handed to the kernel. */
static uint64_t trail_unsent(const struct trail *t)
{
    uint64_t unsent = t->sub->outbox->bytes;
    return unsent < t->given->bytes ? unsent : t->given->bytes;
}

static void trail_confirm(struct trail *t)
{
    const struct core_owner *owner = &turn_of(t)->owner;
    struct keep *k = t->keep;
    struct fill before = {t->given->bytes, t->given->messages};
    uint64_t handed = before.bytes - trail_unsent(t);
    uint64_t unconfirmed = owner->unconfirmed && handed > 0
                               ? owner->unconfirmed(owner->arg, t->sub)
                               : 0;
    if (handed > unconfirmed && k->keeper->state != STORE_FAILED)
        trail_consume(t, handed - unconfirmed);
    k->given.messages -= before.messages - t->given->messages;
    k->given.bytes -= before.bytes - t->given->bytes;
    if (backlog_is_empty(t->given)) {
        list_remove(&t->link);
        backlog_disown(&t->given, turn_of(t)->budget);
    }
}

/* A message that is confirmed in part is none. */
static void trail_recall(struct trail *t)
{
    struct backlog *b = t->given;
    if (b == BACKLOG_NONE)
        return;
    b->bytes += b->sent;
    t->keep->given.bytes += b->sent;
    b->sent = 0;
}

void trail_forget(struct trail *t, uint32_t bytes, uint32_t messages)
{
    struct slice gone =
        backlog_take(t->given, turn_of(t)->budget, bytes, messages);
    block_unref(gone.block);
    t->keep->given.bytes -= bytes;
    t->keep->given.messages -= messages;
}

uint64_t trail_leave(struct trail *t)
{
    trail_confirm(t);
    trail_recall(t);
    uint64_t unsent = trail_unsent(t);
    t->handed = t->given->bytes - unsent;
    t->sub = NULL;
    list_remove(&t->link);
    list_insert(&t->keep->strays, &t->link);
    return unsent;
}

void trail_tick(struct keeper *k)
{
    LIST_EACH_SAFE (link, &k->trails)
        trail_confirm(LIST_OF(link, struct trail, link));
}
