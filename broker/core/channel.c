/* SPDX-License-Identifier: MIT */
#include "broker/core/channel.h"

#include <assert.h>

#include "broker/core/held.h"
#include "broker/core/subscriber.h"
#include "broker/core/tap.h"
#include "broker/core/topic_policy.h"

enum {
    /* From here on a message gets a block of its own: less is copied, and no
     * open block is left with more than this unused. */
    LARGE_BYTES = 16 << 10,
    /* Channels that may have an open block of the common size in one turn. */
    CHANNEL_OPEN_MAX = 64,
    CHANNEL_FIRST_BYTES = 512,
};

/* The name lies behind the struct of the kind. */
static size_t channel_bytes(const struct channel_kind *kind, uint32_t length)
{
    return kind->size + length;
}

struct channel *channel_new(struct turn *t, const struct channel_kind *kind,
                            const struct rule *rule, const uint8_t *name,
                            uint32_t length)
{
    struct channel *ch = budget_zalloc(t->budget, channel_bytes(kind, length));
    if (!ch)
        return NULL;
    memcpy((uint8_t *)ch + kind->size, name, length);
    ch->magic = CHANNEL_MAGIC;
    ch->kind = kind;
    ch->rule = rule;
    ch->turn = t;
    ch->node.length = (uint16_t)length;
    ch->node.offset = (uint16_t)(kind->size - offsetof(struct channel, node));
    ch->is_fresh = true;
    gate_init(&ch->gate);
    ch->base = ch->number = t->floor;
    list_init(&ch->members);
    if (kind->init)
        kind->init(ch);
    return ch;
}

bool channel_is_unused(const struct channel *ch)
{
    return list_is_empty(&ch->members) && !ch->is_awaited && !ch->tap &&
           ch->kind->is_empty(ch) && !ch->gate.first;
}

void channel_free(struct channel *ch)
{
    assert(channel_is_unused(ch) && !channel_is_touched(ch));
    assert(!ch->is_open_held && !ch->is_deliverable && ch->pending == 0);
    if (ch->kind->fini)
        ch->kind->fini(ch);
    if (ch->open)
        block_seal(ch->open);
    assert(ch->account.bytes == 0);
    if (ch->turn->floor < ch->number)
        ch->turn->floor = ch->number;
    ch->magic = 0;
    budget_free(ch->turn->budget, ch, channel_bytes(ch->kind, ch->node.length));
}

void channel_touch(struct channel *ch)
{
    struct turn *t = ch->turn;
    if (channel_is_touched(ch))
        return;
    ch->touched = ch;
    if (t->touched)
        t->touched_last->touched = ch;
    else
        t->touched = ch;
    t->touched_last = ch;
}

void channel_untouch_first(struct turn *t)
{
    struct channel *first = t->touched;
    t->touched = channel_touched_next(first);
    first->touched = NULL;
}

static void channel_accept(struct channel *ch, struct slice *slice)
{
    ch->is_fresh = true;
    if (ch->tap)
        ch->tap->on_slice(ch->tap, slice);
    ch->kind->accept(ch, slice);
}

void channel_commit_pending(struct channel *ch)
{
    struct block *b = ch->open;
    uint32_t begin = b->used;
    b->used = (uint32_t)(ch->tail - b->bytes);
    struct slice slice = {.block = b,
                          .offset = begin,
                          .length = b->used - begin,
                          .at = ch->turn->now,
                          .messages = (uint16_t)ch->pending,
                          .is_dressed = ch->is_dressed};
    ch->pending = 0;
    channel_accept(ch, &slice);
}

void channel_count_dropped(struct channel *ch, uint64_t messages,
                           enum counter_id why)
{
    ch->dropped += messages;
    counter_add(ch->turn->counters, why, messages);
}

static void channel_let_open_go(struct channel *ch)
{
    struct block *b = ch->open;
    assert(ch->pending == 0);
    ch->room = 0;
    ch->is_dressed = ch->is_bare = false;
    if (!b || !ch->is_open_held)
        return;
    ch->is_open_held = false;
    block_unref(b);
}

bool channel_rest(struct channel *ch)
{
    channel_let_open_go(ch);
    const struct block *b = ch->open;
    return b && b->capacity == BLOCK_BYTES && b->used <= BLOCK_BYTES / 2 &&
           !ledger_is_empty(channel_ledger(ch));
}

void channel_shrink(struct channel *ch)
{
    struct block *b = ch->open; /* if it is still there, some of it is held */
    if (!b || ch->is_open_held)
        return;
    uint32_t capacity = BLOCK_MIN_BYTES;
    while (capacity < b->used)
        capacity *= 2;
    if (budget_is_short(ch->turn->budget))
        capacity = b->used;
    if (capacity <= b->capacity / 2 || capacity == b->used)
        (void)block_resize(b, capacity); /* if not, it stays as it is */
}

/* A block of the common size costs nothing as long as few channels have one.
 * When one turn publishes to many channels, or memory is short, blocks begin
 * small and grow. */
static uint32_t channel_first_bytes(const struct channel *ch, uint32_t n)
{
    const struct turn *t = ch->turn;
    uint32_t bytes = CHANNEL_FIRST_BYTES;
    if (t->open_blocks < CHANNEL_OPEN_MAX && !budget_is_short(t->budget))
        return BLOCK_BYTES;
    while (bytes < n)
        bytes *= 2;
    return bytes;
}

/* Makes the open block one that has room for `n` bytes more. */
static bool channel_make_room(struct channel *ch, uint32_t n)
{
    struct block *b = ch->open;
    if (b && b->capacity - b->used < n && b->used + n <= BLOCK_BYTES) {
        /* Doubles, unless there is no memory for that much more. */
        bool is_short = budget_is_short(ch->turn->budget);
        uint32_t capacity = is_short ? 0 : b->capacity * 2;
        if (capacity < b->used + n)
            capacity = b->used + n;
        if (!is_short && capacity > BLOCK_BYTES / 2)
            capacity = BLOCK_BYTES; /* the size that is pooled */
        return block_resize(b, capacity < BLOCK_BYTES ? capacity : BLOCK_BYTES);
    }
    if (b && b->capacity - b->used < n) {
        block_seal(b);
        ch->is_open_held = false;
        block_unref(b);
        b = NULL;
    }
    if (!b) {
        b = block_new(&ch->turn->pool, channel_first_bytes(ch, n));
        if (!b)
            return false;
        b->home = &ch->open;
        ch->turn->open_blocks++;
        block_assign(b, &ch->account);
        ch->open = b;
        ch->is_open_held = true;
    }
    return true;
}

static bool channel_may_take(struct channel *ch)
{
    return !ch->kind->prepare || ch->kind->prepare(ch);
}

/* The first message of a turn, and the first that does not fit. */
static bool channel_prepare(struct channel *ch, uint32_t n)
{
    channel_commit(ch);
    channel_touch(ch);
    if (!channel_may_take(ch))
        return false;
    if (ch->open && !ch->is_open_held) {
        block_ref(ch->open);
        ch->is_open_held = true;
    }
    ch->room = 0;
    ch->is_dressed = false;
    if (!channel_make_room(ch, n))
        return false;
    ch->tail = ch->open->bytes + ch->open->used;
    ch->room = ch->open->capacity - ch->open->used;
    return true;
}

static uint32_t channel_dressed_room(const struct channel *ch)
{
    return ch->open->capacity - (uint32_t)(ch->tail - ch->open->bytes);
}

static bool channel_has(const struct channel *ch, bool is_plain)
{
    LIST_EACH (link, &ch->members) {
        const struct subscriber *s = LIST_OF(link, struct subscriber, member);
        if ((s->kind == SUBSCRIBER_PLAIN) == is_plain)
            return true;
    }
    return false;
}

/* Members are visited only after one has left. */
static bool channel_has_plain(struct channel *ch)
{
    if (ch->has_plain && !ch->is_certain)
        ch->has_plain = channel_has(ch, true);
    ch->is_certain = true;
    return ch->has_plain;
}

uint8_t *channel_dressed_tail(struct channel *ch, uint32_t least,
                              uint32_t *room)
{
    bool is_bare = ch->is_bare || ch->tap || channel_is_queue(ch) ||
                   list_is_empty(&ch->members) || channel_has_plain(ch);
    if (is_bare)
        return NULL;
    if (!ch->is_dressed || channel_dressed_room(ch) < least) {
        if (!channel_prepare(ch, least))
            return NULL;
        ch->room = 0;
        ch->is_dressed = true;
    }
    *room = channel_dressed_room(ch);
    return ch->tail;
}

uint64_t channel_open_room(const struct channel *ch)
{
    if (channel_must_wait(ch) || channel_is_closed(ch))
        return 0;
    if (!channel_is_queue(ch))
        return UINT64_MAX;
    return ch->rule->limit_messages == UINT64_MAX ? ch->kind->room(ch) : 0;
}

uint8_t *channel_bare_tail(struct channel *ch, uint32_t least, uint32_t *room)
{
    ch->is_bare |= ch->is_dressed;
    if (ch->room < least && !channel_prepare(ch, least))
        return NULL;
    return channel_tail(ch, room);
}

enum publish_status channel_publish_block(struct channel *ch,
                                          struct block *block)
{
    assert(ch->magic == CHANNEL_MAGIC);
    channel_commit(ch);
    channel_touch(ch);
    if (!channel_may_take(ch))
        return PUBLISH_NO_MEMORY;
    block_assign(block, &ch->account);
    struct slice slice = {.block = block,
                          .length = block->used,
                          .at = ch->turn->now,
                          .messages = 1};
    channel_accept(ch, &slice);
    return channel_taken_status(ch);
}

enum publish_status channel_publish_text(struct channel *ch,
                                         const uint8_t *text, uint32_t length,
                                         const uint8_t *bytes, uint32_t n)
{
    uint16_t head = (uint16_t)length;
    uint32_t before = length + SLICE_TEXT_HEAD;
    channel_commit(ch);
    channel_touch(ch);
    struct block *b =
        channel_may_take(ch) ? block_new(&ch->turn->pool, before + n) : NULL;
    if (!b)
        return PUBLISH_NO_MEMORY;
    memcpy(b->bytes, text, length);
    memcpy(b->bytes + length, &head, sizeof head);
    memcpy(b->bytes + before, bytes, n);
    b->used = before + n;
    block_assign(b, &ch->account);
    struct slice slice = {.block = b,
                          .offset = before,
                          .length = n,
                          .at = ch->turn->now,
                          .messages = 1,
                          .has_text = true};
    channel_accept(ch, &slice);
    block_unref(b);
    return channel_taken_status(ch);
}

static enum publish_status
channel_publish_large(struct channel *ch, const uint8_t *bytes, uint32_t n)
{
    /* The common size costs nothing when it fits well enough. */
    uint32_t capacity =
        n <= BLOCK_BYTES / 2 || n > BLOCK_BYTES ? n : BLOCK_BYTES;
    struct block *b = block_new(&ch->turn->pool, capacity);
    if (!b)
        return PUBLISH_NO_MEMORY;
    memcpy(b->bytes, bytes, n);
    b->used = n;
    enum publish_status status = channel_publish_block(ch, b);
    block_unref(b);
    return status;
}

enum publish_status channel_publish_slowly(struct channel *ch,
                                           const uint8_t *bytes, uint32_t n)
{
    assert(ch->magic == CHANNEL_MAGIC);
    if (n >= LARGE_BYTES)
        return channel_publish_large(ch, bytes, n);
    ch->is_bare |= ch->is_dressed;
    if (!channel_prepare(ch, n))
        return PUBLISH_NO_MEMORY;
    return channel_publish(ch, bytes, n);
}

bool channel_has_lanes(const struct channel *ch)
{
    return channel_has(ch, false);
}

struct depth channel_depth(const struct channel *ch)
{
    const struct backlog *held = ch->kind->held(ch);
    const struct ledger *l = channel_ledger(ch);
    clock_ms now = ch->turn->now;
    struct depth d = {.messages = held->messages,
                      .bytes = held->bytes,
                      .age_ms = backlog_age_ms(held, now)};
    if (ch->kind->behind) {
        struct fill behind = ch->kind->behind(ch);
        d.messages += behind.messages;
        d.bytes += behind.bytes;
    }
    if (!l || !l->returned)
        return d;
    d.messages += l->returned_count;
    d.bytes += l->returned_bytes;
    d.age_ms = clock_elapsed_ms(now, l->returned->slice.at);
    return d;
}

void channel_flush(struct channel *ch)
{
    channel_commit(ch);
}

/* A queue keeps its messages for those that join later anyway. */
void channel_await(struct channel *ch)
{
    assert(!ch->is_awaited);
    channel_commit(ch);
    ch->base = ch->number;
    ch->is_awaited = true;
    ch->turn->deliverable++;
    if (!channel_is_queue(ch))
        channel_close_gate(ch);
}

void channel_complete(struct channel *ch)
{
    assert(ch->is_awaited);
    channel_commit(ch);
    ch->is_awaited = false;
    ch->turn->deliverable--;
    if (!channel_is_queue(ch))
        channel_open_gate(ch);
    if (ch->kind->completed)
        ch->kind->completed(ch);
    channel_touch(ch);
}

/* It keeps the channel, whether messages come or not. */
static bool is_keeper(const struct subscriber *s)
{
    return s->kind == SUBSCRIBER_PLAIN || s->is_exact ||
           s->outbox != BACKLOG_NONE;
}

bool channel_is_stale(struct channel *ch, int32_t *work)
{
    channel_commit(ch);
    bool is_fresh = ch->is_fresh;
    ch->is_fresh = false;
    if (is_fresh || ch->is_awaited || ch->tap || ch->gate.first ||
        list_is_empty(&ch->members) || !ch->kind->is_empty(ch))
        return false;
    LIST_EACH (link, &ch->members) {
        --*work;
        if (is_keeper(LIST_OF(link, struct subscriber, member)))
            return false;
    }
    return true;
}

struct subscriber *channel_next_member(struct channel *ch)
{
    struct list *first = list_pop(&ch->members);
    if (!first)
        return NULL;
    list_insert(&ch->members, first);
    return LIST_OF(first, struct subscriber, member);
}

struct receipt channel_receipt(struct channel *ch)
{
    if (ch->kind->number)
        ch->kind->number(ch);
    struct receipt r = {.number = channel_last_number(ch),
                        .readers = ch->member_count,
                        .is_queue = ch->kind->is_lossless};
    if (r.is_queue) {
        r.waits = channel_depth(ch).messages + ch->pending;
        return r;
    }
    r.slow = ch->rule->policy->skips_slow ? ch->slow_count : 0;
    r.readers -= r.slow;
    if (ch->member_count == 0 && ch->rule->hold_messages == 0)
        r.number = 0;
    return r;
}

void channel_close_gate(struct channel *ch)
{
    gate_close(&ch->gate);
}

void channel_open_gate(struct channel *ch)
{
    gate_open(&ch->gate, &ch->turn->open_gates);
}
