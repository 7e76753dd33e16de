/* SPDX-License-Identifier: MIT */
#include "broker/core/keep.h"

#include <assert.h>

#include "broker/core/queue_parts.h"

static struct channel *channel_of(const struct keep *k)
{
    return &k->queue->channel;
}

static struct budget *budget_of(const struct keep *k)
{
    return channel_of(k)->turn->budget;
}

static bool has_middle(const struct keep *k)
{
    return k->loaded < k->kept;
}

static uint64_t end_of(const struct slice *s)
{
    return s->first + s->messages;
}

/* Beginning and ending. */

static struct keep *keep_alloc(struct queue *q, struct keeper *keeper)
{
    struct budget *budget = q->channel.turn->budget;
    struct keep *k = budget_zalloc(budget, sizeof *k);
    if (!k)
        return NULL;
    k->keeper = keeper;
    k->queue = q;
    k->tail = BACKLOG_NONE;
    list_init(&k->unput);
    list_init(&k->stalled);
    list_init(&k->hungry);
    list_init(&k->strays);
    if (backlog_own(&k->tail, budget))
        return k;
    budget_free(budget, k, sizeof *k);
    return NULL;
}

static void keep_release(struct keep *k)
{
    struct budget *budget = budget_of(k);
    backlog_release(&k->tail, budget);
    budget_free(budget, k, sizeof *k);
}

static void keep_begin(struct keep *k, uint64_t first)
{
    k->base = k->loaded = k->kept = k->durable = first;
}

/* What the queue has waiting becomes the tail, with other numbers if the store
 * may have used these. */
static void keep_adopt(struct keep *k, uint64_t more)
{
    struct channel *ch = channel_of(k);
    struct backlog *tail = k->tail;
    ch->base += more;
    ch->number += more;
    if (k->queue->backlog == BACKLOG_NONE)
        return;
    k->tail = k->queue->backlog;
    k->queue->backlog = tail;
    for (uint32_t i = 0; i < k->tail->count; i++) {
        backlog_at(k->tail, i)->first += more;
        k->keeper->pending_bytes += slice_whole_bytes(backlog_at(k->tail, i));
    }
    backlog_disown(&k->queue->backlog, budget_of(k));
}

struct keep *keep_new(struct queue *q, struct keeper *keeper)
{
    struct backlog *head = q->backlog;
    uint64_t wanted =
        head->count > 0 ? backlog_first(head)->first : q->channel.number + 1;
    /* What a consumer has in its outbox is not joined by what it gets now. */
    uint64_t first = wanted + (q->channel.member_count > 0);
    struct keep *k = keep_alloc(q, keeper);
    if (!k)
        return NULL;
    if ((head != BACKLOG_NONE && !backlog_grow(head, budget_of(k))) ||
        !keeper_open_channel(keeper, k, &first)) {
        keep_release(k);
        return NULL;
    }
    keep_begin(k, first);
    keep_adopt(k, first - wanted);
    return k;
}

struct keep *keep_recover(struct queue *q, struct keeper *keeper,
                          const struct store_channel *found)
{
    struct keep *k = keep_alloc(q, keeper);
    if (!k)
        return NULL;
    k->id = found->id;
    keep_begin(k, found->next);
    k->base = 0;
    if (found->messages > 0)
        k->loaded = found->floor;
    k->middle = (struct fill){found->bytes, found->messages};
    q->channel.base = q->channel.number = found->next - 1;
    if (!keeper_add(keeper, k)) {
        keep_release(k);
        return NULL;
    }
    queue_count(q, (int64_t)found->messages, (int64_t)found->bytes);
    return k;
}

void keep_free(struct keep *k)
{
    assert(!k->read && list_is_empty(&k->strays));
    if (!k->is_abandoned)
        keeper_drop_channel(k->keeper, k);
    keeper_remove(k->keeper, k);
    keep_release(k);
}

bool keep_is_empty(const struct keep *k)
{
    return k->tail->count == 0 && !has_middle(k) && !k->read &&
           k->given.messages == 0 && k->ack_count == 0 &&
           (k->asked_acks == 0 || k->is_abandoned);
}

bool keep_is_settled(const struct keep *k)
{
    return k->last_turn <= keeper_durable_turn(k->keeper);
}

struct fill keep_behind(const struct keep *k)
{
    return (struct fill){k->tail->bytes + k->middle.bytes,
                         k->tail->messages + k->middle.messages};
}

/* What is published. */

static void keep_stall(struct keep *k)
{
    if (!list_is_empty(&k->stalled))
        return;
    list_insert(&k->keeper->stalled, &k->stalled);
    channel_close_gate(channel_of(k));
}

static void keep_resume(struct keep *k)
{
    list_remove(&k->stalled);
    channel_open_gate(channel_of(k));
    channel_touch(channel_of(k));
}

/* Where many queues are published to, each would take as much as one read
 * brings before its gate is closed. */
bool keep_prepare(struct keep *k)
{
    if (keeper_is_stalled(k->keeper))
        keep_stall(k);
    return backlog_grow(k->tail, budget_of(k));
}

uint64_t keep_room(const struct keep *k)
{
    return keeper_room(k->keeper, channel_pending_bytes(channel_of(k)));
}

bool keep_admits(struct keep *k, uint64_t n)
{
    uint64_t before = channel_pending_bytes(channel_of(k));
    if ((before == 0 && keeper_has_room(k->keeper, n)) || n <= keep_room(k))
        return true;
    keep_stall(k);
    return false;
}

/* Without memory for the one after it, the next message has to ask. */
void keep_accept(struct keep *k, const struct slice *s)
{
    bool is_pushed = backlog_push(k->tail, budget_of(k), s);
    assert(is_pushed);
    (void)is_pushed;
    if (!backlog_grow(k->tail, budget_of(k)))
        channel_of(k)->room = 0;
    k->keeper->pending_bytes += slice_whole_bytes(s);
    k->last_turn = k->keeper->turn;
    if (keeper_is_stalled(k->keeper))
        keep_stall(k);
}

/* The open block may move until the turn is over; the rest is put then. */
static bool keep_put(struct keep *k)
{
    while (k->put_count < k->tail->count) {
        if (backlog_at(k->tail, k->put_count)->block->home)
            return true;
        if (!keeper_put(k->keeper, k, backlog_at(k->tail, k->put_count)))
            return false;
        k->put_count++;
    }
    return true;
}

static void keep_flush_acks(struct keep *k)
{
    if (k->ack_count > 0)
        keeper_ack(k->keeper, k, k->ack_first, k->ack_count);
    k->ack_count = 0;
}

/* Bytes that the store reads may not move: nothing more goes into the block. */
void keep_rest(struct keep *k)
{
    struct channel *ch = channel_of(k);
    if (k->is_abandoned)
        return;
    if (ch->open)
        block_seal(ch->open);
    keep_flush_acks(k);
    (void)keep_put(k);
}

static void keep_on_put(struct keep *k, const struct slice *s)
{
    k->durable = end_of(s);
    k->keeper->pending_bytes -= slice_whole_bytes(s);
    channel_touch(channel_of(k));
}

/* What is done. */

void keep_ack(struct keep *k, uint64_t first, uint32_t count)
{
    if (first < k->base) {
        uint64_t before = k->base - first;
        first = k->base;
        count = before < count ? count - (uint32_t)before : 0;
    }
    if (count == 0 || k->is_abandoned)
        return;
    if (k->ack_count > 0 && k->ack_first + k->ack_count == first) {
        k->ack_count += count;
        return;
    }
    keep_flush_acks(k);
    k->ack_first = first;
    k->ack_count = count;
    channel_touch(channel_of(k));
}

/* From the tail to the head, or to where it is on disk alone. */

static bool is_next_durable(const struct keep *k)
{
    return k->tail->count > 0 && end_of(backlog_first(k->tail)) <= k->durable;
}

static void tail_drop_first(struct keep *k)
{
    const struct slice *first = backlog_first(k->tail);
    struct slice gone =
        backlog_take(k->tail, budget_of(k), first->length, first->messages);
    block_unref(gone.block);
    k->put_count--;
}

/* False without memory. */
static bool keep_move(struct keep *k)
{
    struct backlog **head = &k->queue->backlog;
    while (!has_middle(k) && is_next_durable(k) &&
           (*head)->bytes < KEEP_HEAD_BYTES) {
        if (!backlog_own(head, budget_of(k)) ||
            !backlog_push(*head, budget_of(k), backlog_first(k->tail)))
            return false;
        tail_drop_first(k);
    }
    return true;
}

static void keep_spill(struct keep *k)
{
    uint64_t most =
        budget_is_short(budget_of(k)) ? KEEP_SHORT_BYTES : KEEP_TAIL_BYTES;
    while (k->tail->bytes > most && is_next_durable(k)) {
        const struct slice *first = backlog_first(k->tail);
        if (!has_middle(k))
            k->loaded = first->first;
        k->kept = end_of(first);
        k->middle.messages += first->messages;
        k->middle.bytes += first->length;
        tail_drop_first(k);
    }
}

/* Reading. */

static uint32_t read_capacity(const struct keep *k)
{
    uint32_t bytes =
        budget_is_short(budget_of(k)) ? KEEP_READ_SHORT_BYTES : KEEP_READ_BYTES;
    if (k->middle.bytes < bytes / 4) /* with what the store adds */
        bytes = (uint32_t)k->middle.bytes * 2 + BLOCK_MIN_BYTES;
    return bytes > k->read_bytes ? bytes : k->read_bytes;
}

static void read_free(struct keep *k)
{
    block_unref(k->read->into);
    budget_free(budget_of(k), k->read, sizeof *k->read);
    k->read = NULL;
}

static struct store_read *read_new(struct keep *k)
{
    struct store_read *r = budget_zalloc(budget_of(k), sizeof *r);
    if (!r)
        return NULL;
    r->channel = k->id;
    r->from = k->loaded;
    r->end = k->kept;
    r->into = block_new(&channel_of(k)->turn->pool, read_capacity(k));
    if (r->into) {
        block_assign(r->into, &channel_of(k)->account);
        return r;
    }
    budget_free(budget_of(k), r, sizeof *r);
    return NULL;
}

/* False without memory. */
static bool keep_begin_read(struct keep *k)
{
    const struct queue *q = k->queue;
    if (k->read || !has_middle(k) || q->consumers == 0 ||
        q->backlog->bytes >= KEEP_LOW_BYTES)
        return true;
    k->read = read_new(k);
    if (k->read && !keeper_read(k->keeper, k, k->read))
        read_free(k);
    else if (!k->read)
        return false;
    return true;
}

/* The middle begins with this number now; if that is its end, there are no more
 * messages in it, whatever they were counted to be. */
static void keep_set_loaded(struct keep *k, uint64_t loaded)
{
    k->loaded = loaded;
    if (has_middle(k))
        return;
    queue_count(k->queue, -(int64_t)k->middle.messages,
                -(int64_t)k->middle.bytes);
    k->middle = (struct fill){0, 0};
}

/* From the middle to the head; false without memory. */
static bool keep_load(struct keep *k, struct slice *s)
{
    struct backlog **head = &k->queue->backlog;
    s->at = channel_of(k)->turn->now;
    if (!backlog_own(head, budget_of(k)) ||
        !backlog_push(*head, budget_of(k), s))
        return false;
    uint64_t messages = s->messages, bytes = s->length;
    if (messages > k->middle.messages)
        queue_count(k->queue, (int64_t)(messages - k->middle.messages), 0);
    if (bytes > k->middle.bytes)
        queue_count(k->queue, 0, (int64_t)(bytes - k->middle.bytes));
    k->middle.messages -=
        messages < k->middle.messages ? messages : k->middle.messages;
    k->middle.bytes -= bytes < k->middle.bytes ? bytes : k->middle.bytes;
    k->loaded = end_of(s);
    return true;
}

/* Nobody will get these, which the middle begins with. */
static void keep_lose(struct keep *k, uint64_t first, uint64_t count)
{
    const struct core_owner *owner = &channel_of(k)->turn->owner;
    uint64_t known = count < k->middle.messages ? count : k->middle.messages;
    k->middle.messages -= known;
    queue_count(k->queue, -(int64_t)known, 0);
    k->keeper->damaged += count;
    if (owner->lost)
        owner->lost(owner->arg, channel_of(k), first, first + count - 1);
}

/* What was let go of the head meanwhile comes before what was read: then it is
 * read again, as what there was no memory for. */
static void keep_on_read(struct keep *k)
{
    struct store_read *r = k->read;
    bool is_loaded = r->from == k->loaded && has_middle(k);
    for (uint32_t i = 0; is_loaded && i < r->run_count; i++)
        is_loaded = keep_load(k, &r->runs[i]);
    if (is_loaded && r->damaged > 0)
        keep_lose(k, r->lost, r->damaged);
    if (is_loaded) {
        keep_set_loaded(k, r->next);
        k->read_bytes = r->needs;
    }
    read_free(k);
    channel_touch(channel_of(k));
}

/* Memory may be there in the next tick. */
bool keep_fill(struct keep *k)
{
    if (k->keeper->state == STORE_FAILED)
        return false;
    bool is_done = keep_move(k);
    keep_spill(k);
    if (!is_done || !keep_begin_read(k))
        channel_of(k)->turn->is_starved = true;
    return !backlog_is_empty(k->queue->backlog);
}

/* Memory is short. */

/* The end of the head goes to where it is on disk alone. All between it and the
 * middle is on disk as well, and was given to nobody. */
static void keep_unload(struct keep *k)
{
    struct backlog *head = k->queue->backlog;
    while (head->bytes > KEEP_SHORT_BYTES &&
           backlog_at(head, head->count - 1)->first >= k->base) {
        struct slice last = backlog_take_last(head, budget_of(k));
        if (!has_middle(k))
            k->kept = end_of(&last);
        k->loaded = last.first;
        k->middle.messages += last.messages;
        k->middle.bytes += last.length;
        block_unref(last.block);
    }
    backlog_disown(&k->queue->backlog, budget_of(k));
}

bool keep_press(struct keep *k)
{
    keep_unload(k);
    keep_spill(k);
    return channel_of(k)->account.bytes <= 2 * KEEP_SHORT_BYTES;
}

/* Dropping. */

void keep_abandon(struct keep *k)
{
    queue_count(k->queue, -(int64_t)k->tail->messages,
                -(int64_t)k->tail->bytes);
    backlog_clear(k->tail, budget_of(k));
    k->loaded = k->kept;
    keep_set_loaded(k, k->kept);
    k->ack_count = k->put_count = 0;
    k->is_abandoned = true;
}

/* What is not on disk yet cannot be dropped. */
uint64_t keep_purge(struct keep *k)
{
    uint64_t messages = k->middle.messages;
    if (has_middle(k)) {
        uint64_t n = k->kept - k->loaded;
        for (uint32_t some; n > 0; n -= some) {
            some = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
            keep_ack(k, k->kept - n, some);
            keep_flush_acks(k);
        }
        keep_set_loaded(k, k->kept);
    }
    while (is_next_durable(k)) {
        const struct slice *first = backlog_first(k->tail);
        messages += first->messages;
        queue_count(k->queue, -first->messages, -(int64_t)first->length);
        keep_ack(k, first->first, first->messages);
        tail_drop_first(k);
    }
    return messages;
}

const struct keeper_calls keep_calls = {
    .put = keep_put,
    .on_put = keep_on_put,
    .on_read = keep_on_read,
    .resume = keep_resume,
};
