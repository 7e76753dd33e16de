/* SPDX-License-Identifier: MIT */
#include "broker/core/keeper.h"

#include <assert.h>

#include "broker/core/channel.h"
#include "broker/core/keep.h"
#include "broker/core/queue_parts.h"
#include "broker/core/turn.h"

enum {
    DONES_AT_ONCE = 64,
    ROOM_FIRST = 16,
    HUNGRY_AT_ONCE = 8, /* that may try to read after a read has ended */
};

/* All that was put by the end of a turn. */
struct keeper_mark {
    uint64_t turn, puts;
};

struct keeper_ack {
    uint64_t first;
    uint32_t channel, count;
};

void keeper_init(struct keeper *k, struct turn *t)
{
    *k = (struct keeper){
        .core_turn = t, .turn = 1, .room = {UINT64_MAX, UINT64_MAX}};
    idmap_init(&k->keeps, t->budget);
    list_init(&k->unput);
    list_init(&k->stalled);
    list_init(&k->hungry);
    list_init(&k->trails);
}

void keeper_fini(struct keeper *k)
{
    struct budget *budget = k->core_turn->budget;
    assert(k->keeps.count == 0 && k->reading_bytes == 0);
    assert(list_is_empty(&k->trails));
    budget_free(budget, k->acks, k->ack_room * sizeof *k->acks);
    budget_free(budget, k->marks, k->mark_room * sizeof *k->marks);
    idmap_clear(&k->keeps);
}

static struct keep *keep_of(const struct keeper *k, uint32_t id)
{
    uint64_t *value = idmap_find(&k->keeps, id);
    return value ? (struct keep *)(uintptr_t)*value : NULL;
}

bool keeper_add(struct keeper *k, struct keep *keep)
{
    return idmap_put(&k->keeps, keep->id, (uintptr_t)keep);
}

bool keeper_open_channel(struct keeper *k, struct keep *keep, uint64_t *first)
{
    const struct channel *ch = &keep->queue->channel;
    enum refusal *refusal = &k->core_turn->refusal;
    *refusal = REFUSAL_STORE_FAILED;
    if (k->state == STORE_FAILED)
        return false;
    enum store_opened opened = k->ops->open_channel(
        k->store, channel_name(ch), channel_name_length(ch), &keep->id, first);
    *refusal =
        opened == STORE_CROWDED ? REFUSAL_STORE_CROWDED : REFUSAL_NO_MEMORY;
    if (opened != STORE_OPENED)
        return false;
    k->has_asked = true;
    if (keeper_add(k, keep))
        return true;
    k->ops->drop_channel(k->store, keep->id, channel_name_length(ch));
    return false;
}

void keeper_remove(struct keeper *k, struct keep *keep)
{
    list_remove(&keep->unput);
    list_remove(&keep->stalled);
    list_remove(&keep->hungry);
    idmap_remove(&k->keeps, keep->id);
}

void keeper_drop_channel(struct keeper *k, const struct keep *keep)
{
    k->ops->drop_channel(k->store, keep->id,
                         channel_name_length(&keep->queue->channel));
    k->has_asked = true;
}

/* Turns. */

uint64_t keeper_durable_turn(const struct keeper *k)
{
    uint64_t first = k->mark_count > 0 ? k->marks[k->mark_head].turn : k->turn;
    if (k->late_turn > 0 && k->late_turn < first)
        first = k->late_turn;
    return first - 1;
}

static struct keeper_mark *mark_at(const struct keeper *k, uint32_t i)
{
    return &k->marks[(k->mark_head + i) & (k->mark_room - 1)];
}

static bool marks_grow(struct keeper *k)
{
    uint32_t room = k->mark_room > 0 ? k->mark_room * 2 : ROOM_FIRST;
    struct budget *budget = k->core_turn->budget;
    struct keeper_mark *marks = budget_alloc(budget, room * sizeof *marks);
    if (!marks)
        return false;
    for (uint32_t i = 0; i < k->mark_count; i++)
        marks[i] = *mark_at(k, i);
    budget_free(budget, k->marks, k->mark_room * sizeof *k->marks);
    k->marks = marks;
    k->mark_room = room;
    k->mark_head = 0;
    return true;
}

static void keeper_set_late(struct keeper *k)
{
    if (k->late_turn == 0)
        k->late_turn = k->turn;
    k->late_puts = k->puts;
}

static void keeper_mark_turn(struct keeper *k)
{
    if (k->puts == k->marked)
        return;
    k->marked = k->puts;
    if (k->mark_count < k->mark_room || marks_grow(k))
        *mark_at(k, k->mark_count++) = (struct keeper_mark){k->turn, k->puts};
    else
        keeper_set_late(k);
}

void keeper_kick(struct keeper *k)
{
    if (!k->has_asked)
        return;
    k->has_asked = false;
    k->ops->kick(k->store);
}

void keeper_end_turn(struct keeper *k)
{
    keeper_mark_turn(k);
    k->turn++;
    keeper_kick(k);
}

/* What the store is asked. */

static void keeper_review_unput(struct keeper *k)
{
    while (!list_is_empty(&k->unput) &&
           k->calls->put(LIST_OF(k->unput.next, struct keep, unput)))
        list_remove(k->unput.next);
}

static void keeper_wait(struct keeper *k, struct keep *keep)
{
    keeper_set_late(k);
    if (list_is_empty(&keep->unput))
        list_insert(&k->unput, &keep->unput);
}

/* It goes behind those that wait. */
bool keeper_put(struct keeper *k, struct keep *keep, const struct slice *s)
{
    const struct store_put put = {
        .channel = keep->id, .slice = *s, .turn = k->turn};
    bool is_next = list_is_empty(&k->unput) || k->unput.next == &keep->unput;
    if (!is_next || k->state == STORE_FAILED || !k->ops->put(k->store, &put)) {
        keeper_wait(k, keep);
        return false;
    }
    block_ref(s->block);
    k->puts++;
    if (!list_is_empty(&k->unput))
        k->late_puts = k->puts;
    k->has_asked = true;
    return true;
}

static bool keeper_ask_ack(struct keeper *k, const struct keeper_ack *a)
{
    if (!k->ops->ack(k->store, a->channel, a->first, a->count))
        return false;
    k->has_asked = true;
    return true;
}

static void keeper_review_acks(struct keeper *k)
{
    while (k->ack_count > 0 && keeper_ask_ack(k, &k->acks[k->ack_head])) {
        struct keep *keep = keep_of(k, k->acks[k->ack_head].channel);
        if (keep && --keep->asked_acks == 0)
            channel_touch(&keep->queue->channel); /* it may be empty */
        k->ack_head++;
        k->ack_count--;
    }
    if (k->ack_count > 0)
        return;
    budget_free(k->core_turn->budget, k->acks, k->ack_room * sizeof *k->acks);
    k->acks = NULL;
    k->ack_head = k->ack_room = 0;
}

/* Those at the front that the store has taken leave room. */
static bool acks_grow(struct keeper *k)
{
    struct budget *budget = k->core_turn->budget;
    uint32_t room =
        k->ack_count * 2 > ROOM_FIRST ? k->ack_count * 2 : ROOM_FIRST;
    struct keeper_ack *acks = budget_alloc(budget, room * sizeof *acks);
    if (!acks)
        return false;
    for (uint32_t i = 0; i < k->ack_count; i++)
        acks[i] = k->acks[k->ack_head + i];
    budget_free(budget, k->acks, k->ack_room * sizeof *k->acks);
    k->acks = acks;
    k->ack_head = 0;
    k->ack_room = room;
    return true;
}

/* Without memory it is forgotten: the message comes again after a restart. */
void keeper_ack(struct keeper *k, struct keep *keep, uint64_t first,
                uint32_t count)
{
    const struct keeper_ack a = {first, keep->id, count};
    if (k->state == STORE_FAILED ||
        (k->ack_count == 0 && keeper_ask_ack(k, &a)))
        return;
    if (k->ack_head + k->ack_count < k->ack_room || acks_grow(k)) {
        k->acks[k->ack_head + k->ack_count++] = a;
        keep->asked_acks++;
    }
}

bool keeper_read(struct keeper *k, struct keep *keep, struct store_read *read)
{
    uint32_t bytes = read->into->capacity;
    bool is_first = k->reading_bytes == 0;
    if ((is_first || k->reading_bytes + bytes <= KEEPER_READING_BYTES) &&
        k->state != STORE_FAILED && k->ops->read(k->store, read)) {
        k->reading_bytes += bytes;
        k->has_asked = true;
        list_remove(&keep->hungry);
        return true;
    }
    if (list_is_empty(&keep->hungry))
        list_insert(&k->hungry, &keep->hungry);
    return false;
}

/* What it has done. */

static void keeper_review_stalled(struct keeper *k)
{
    if (k->state != STORE_OPEN || k->pending_bytes > KEEPER_RESUME_BYTES ||
        !keeper_has_room(k, k->room.bytes / 2))
        return;
    while (!list_is_empty(&k->stalled))
        k->calls->resume(LIST_OF(k->stalled.next, struct keep, stalled));
}

static void keeper_review_hungry(struct keeper *k)
{
    for (int i = 0; i < HUNGRY_AT_ONCE && !list_is_empty(&k->hungry); i++) {
        struct keep *keep = LIST_OF(list_pop(&k->hungry), struct keep, hungry);
        channel_touch(&keep->queue->channel);
    }
}

static void keeper_on_put(struct keeper *k, const struct store_put *put)
{
    struct keep *keep = keep_of(k, put->channel);
    k->done++;
    if (list_is_empty(&k->unput) && k->done >= k->late_puts)
        k->late_turn = 0;
    while (k->mark_count > 0 && mark_at(k, 0)->puts <= k->done) {
        k->mark_head = (k->mark_head + 1) & (k->mark_room - 1);
        k->mark_count--;
    }
    if (keep)
        k->calls->on_put(keep, &put->slice);
    block_unref(put->slice.block);
}

static void keeper_on_read(struct keeper *k, const struct store_read *read)
{
    struct keep *keep = keep_of(k, read->channel);
    k->reading_bytes -= read->into->capacity;
    assert(keep && keep->read == read);
    k->calls->on_read(keep);
}

static void touch_stalled(struct keeper *k)
{
    LIST_EACH (link, &k->stalled)
        channel_touch(&LIST_OF(link, struct keep, stalled)->queue->channel);
}

static void keeper_on_done(struct keeper *k, const struct store_done *d)
{
    switch (d->kind) {
    case STORE_DONE_PUT:
        if (k->state == STORE_FAILED)
            block_unref(d->put.slice.block); /* given back, not written */
        else
            keeper_on_put(k, &d->put);
        break;
    case STORE_DONE_READ:
        keeper_on_read(k, d->read);
        break;
    case STORE_DONE_STATE:
        k->state = d->state;
        touch_stalled(k);
        break;
    }
}

void keeper_reap(struct keeper *k)
{
    struct store_done done[DONES_AT_ONCE];
    int n;
    do {
        n = k->ops->reap(k->store, done, DONES_AT_ONCE);
        for (int i = 0; i < n; i++)
            keeper_on_done(k, &done[i]);
    } while (n == DONES_AT_ONCE);
    k->room = k->ops->room(k->store);
    keeper_review_acks(k);
    keeper_review_unput(k);
    keeper_review_stalled(k);
    keeper_review_hungry(k);
    keeper_kick(k);
}
