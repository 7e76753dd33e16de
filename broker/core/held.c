/* SPDX-License-Identifier: MIT */
#include "broker/core/held.h"

#include <assert.h>
#include <stdlib.h>

#include "broker/core/channel.h"
#include "broker/core/subscriber.h"
#include "broker/core/worker.h"

enum {
    BUCKETS_MIN = 16,
    LOAD_MAX = 2, /* entries for each bucket */
    /* With what the allocator adds. */
    HELD_BYTES = sizeof(struct held) + 8,
    HELD_SPARE_MAX = 512,
};

struct ledger *ledger_new(struct channel *queue)
{
    struct budget *budget = queue->turn->budget;
    struct ledger *l = budget_zalloc(budget, sizeof *l);
    struct held **buckets =
        l ? budget_zalloc(budget, BUCKETS_MIN * sizeof(*buckets)) : NULL;
    if (!buckets) {
        budget_free(budget, l, sizeof *l);
        return NULL;
    }
    l->channel = queue;
    l->buckets = buckets;
    l->bucket_count = BUCKETS_MIN;
    alarm_init(&l->alarm.alarm);
    return l;
}

void ledger_free(struct ledger *l)
{
    struct turn *t = l->channel->turn;
    assert(l->count == 0 && l->bytes == 0 && !l->returned && !l->delayed);
    turn_cancel_alarm(t, &l->alarm);
    budget_free(t->budget, l->buckets, l->bucket_count * sizeof(*l->buckets));
    budget_free(t->budget, l, sizeof *l);
}

void ledger_tally(struct ledger *l)
{
    counter_add(l->channel->turn->counters, COUNT_held_messages,
                ledger_held(l) - l->tallied);
    l->tallied = ledger_held(l);
}

/* The table. */

/* Multiplying spreads ids that follow one another, and those at any distance
 * (Knuth, 6.4). */
static struct held **bucket_of(const struct ledger *l, uint64_t number)
{
    uint32_t hash = (uint32_t)(number / HELD_RUN * 0x9e3779b97f4a7c15u >> 32);
    return &l->buckets[hash & (l->bucket_count - 1)];
}

struct held *ledger_find(const struct ledger *l, uint64_t number)
{
    struct held *h = l ? *bucket_of(l, number) : NULL;
    while (h && number - h->slice.first >= h->slice.messages)
        h = h->next;
    return h;
}

static void table_insert(struct ledger *l, struct held *h)
{
    struct held **bucket = bucket_of(l, h->slice.first);
    h->next = *bucket;
    *bucket = h;
}

static void table_remove(struct ledger *l, const struct held *h)
{
    struct held **at = bucket_of(l, h->slice.first);
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
}

/* Without memory the buckets stay as they are: they only become longer. */
static void table_resize(struct ledger *l, uint32_t bucket_count)
{
    struct budget *budget = l->channel->turn->budget;
    struct held **old = l->buckets;
    uint32_t old_count = l->bucket_count;
    struct held **buckets =
        budget_zalloc(budget, bucket_count * sizeof(*buckets));
    if (!buckets)
        return;
    l->buckets = buckets;
    l->bucket_count = bucket_count;
    for (uint32_t i = 0; i < old_count; i++)
        for (struct held *h = old[i], *next; h; h = next) {
            next = h->next;
            table_insert(l, h);
        }
    budget_free(budget, old, old_count * sizeof(*old));
}

/* Entries. */

static struct held *held_alloc(struct turn *t)
{
    struct held *h = spares_get(&t->spare_held);
    if (!h)
        h = malloc(sizeof *h);
    if (h)
        budget_charge(t->budget, HELD_BYTES);
    return h;
}

static void held_free(struct turn *t, struct held *h)
{
    budget_refund(t->budget, HELD_BYTES);
    spares_put(&t->spare_held, h, HELD_SPARE_MAX);
}

static void ledger_enter(struct ledger *l, struct held *h)
{
    if (l->entries >= l->bucket_count * LOAD_MAX)
        table_resize(l, l->bucket_count * 2);
    table_insert(l, h);
    l->entries++;
}

struct held *ledger_add(struct ledger *l, const struct slice *messages)
{
    struct held *h = held_alloc(l->channel->turn);
    if (!h)
        return NULL;
    assert(messages->messages <= held_most(messages->first));
    *h = (struct held){.slice = *messages};
    block_ref(messages->block)->held += messages->length;
    ledger_enter(l, h);
    l->count += messages->messages;
    l->bytes += messages->length;
    return h;
}

void ledger_remove(struct ledger *l, struct held *h)
{
    table_remove(l, h);
    l->entries--;
    l->count -= h->slice.messages;
    l->bytes -= h->slice.length;
    h->slice.block->held -= h->slice.length;
    block_unref(h->slice.block);
    held_free(l->channel->turn, h);
    if (l->bucket_count > BUCKETS_MIN && l->entries < l->bucket_count / 4)
        table_resize(l, l->bucket_count / 4);
}

static struct slice held_front(const struct ledger *l, const struct held *h,
                               uint32_t messages)
{
    return slice_front(&h->slice, messages,
                       l->channel->turn->config.message_size);
}

struct held *ledger_split(struct ledger *l, struct held *h, uint32_t messages)
{
    struct slice front = held_front(l, h, messages);
    struct held *rest = held_alloc(l->channel->turn);
    if (!rest)
        return NULL;
    *rest = *h;
    slice_skip(&rest->slice, front.messages, front.length);
    block_ref(rest->slice.block);
    h->slice = front;
    ledger_enter(l, rest);
    if (h->lane)
        list_insert(h->link.next, &rest->link);
    return rest;
}

void ledger_trim(struct ledger *l, struct held *h, uint32_t messages)
{
    struct worker *w = h->lane->worker;
    struct slice front = held_front(l, h, messages);
    slice_skip(&h->slice, messages, front.length);
    h->slice.block->held -= front.length;
    l->count -= messages;
    l->bytes -= front.length;
    w->held -= messages;
    w->holder->held -= messages;
}

void held_hand(struct held *h, struct subscriber *lane)
{
    struct worker *w = lane->worker;
    h->state = HELD_OUT;
    h->is_sent = false;
    h->lane = lane;
    list_insert(&w->holds, &h->link);
    w->held += h->slice.messages;
    w->holder->held += h->slice.messages;
}

void held_release(struct held *h)
{
    struct worker *w = h->lane->worker;
    list_remove(&h->link);
    w->held -= h->slice.messages;
    w->holder->held -= h->slice.messages;
    h->lane = NULL;
}

/* The heaps are leftist ones: of the two ways down from an entry the left one
 * is never the shorter, so the right ones are short, and these are all that
 * merging follows. No step takes long, however many have come back at once. */

static bool goes_before(const struct held *a, const struct held *b)
{
    int32_t ms = (int32_t)(a->due - b->due);
    if (a->state == HELD_DELAYED && ms != 0)
        return ms < 0;
    return a->slice.first < b->slice.first;
}

static struct held *heap_merge(struct held *a, struct held *b)
{
    if (!a || !b)
        return a ? a : b;
    if (goes_before(b, a)) {
        struct held *first = b;
        b = a;
        a = first;
    }
    struct held *left = a->child[0], *right = heap_merge(a->child[1], b);
    bool is_right_shorter = left && left->rank >= right->rank;
    a->child[0] = is_right_shorter ? left : right;
    a->child[1] = is_right_shorter ? right : left;
    a->rank = (uint8_t)(a->child[1] ? a->child[1]->rank + 1 : 1);
    return a;
}

static struct held *heap_push(struct held *heap, struct held *h)
{
    h->child[0] = h->child[1] = NULL;
    h->rank = 1;
    return heap_merge(heap, h);
}

void ledger_return(struct ledger *l, struct held *h)
{
    h->state = HELD_RETURNED;
    l->returned = heap_push(l->returned, h);
    l->returned_count += h->slice.messages;
    l->returned_bytes += h->slice.length;
}

struct held *ledger_pop_returned(struct ledger *l)
{
    struct held *h = l->returned;
    l->returned = heap_merge(h->child[0], h->child[1]);
    l->returned_count -= h->slice.messages;
    l->returned_bytes -= h->slice.length;
    return h;
}

void ledger_delay(struct ledger *l, struct held *h, clock_ms due)
{
    h->state = HELD_DELAYED;
    h->due = due;
    l->delayed = heap_push(l->delayed, h);
}

struct held *ledger_pop_delayed(struct ledger *l)
{
    struct held *h = l->delayed;
    l->delayed = heap_merge(h->child[0], h->child[1]);
    return h;
}

uint64_t ledger_drop_delayed(struct ledger *l)
{
    uint64_t n = 0;
    while (l && l->delayed) {
        struct held *h = ledger_pop_delayed(l);
        n += h->slice.messages;
        ledger_remove(l, h);
    }
    return n;
}
