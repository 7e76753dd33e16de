/* SPDX-License-Identifier: MIT */
#include "broker/session/units/pledges.h"

#include <assert.h>

#include "broker/core/queue_work.h"
#include "broker/core/subscriber.h"
#include "broker/net/stream.h"
#include "broker/session/clients.h"
#include "broker/session/state.h"
#include "broker/session/units/units.h"
#include "proto/frame.h"

struct pledge {
    struct subscriber *lane; /* NULL: it has ended */
    uint64_t number;
    uint64_t end;   /* of its unit, among all bytes taken */
    uint32_t bytes; /* of the outbox */
};

struct pledges {
    uint64_t taken; /* bytes, since there are pledges */
    uint32_t first, count, capacity;
    struct pledge list[];
};

static size_t size_for(uint32_t capacity)
{
    return sizeof(struct pledges) + capacity * sizeof(struct pledge);
}

static void pledges_free(struct session *s)
{
    struct pledges *p = s->units->pledges;
    s->units->pledges = NULL;
    budget_free(s->all->budget, p, size_for(p->capacity));
}

struct pledges_place pledges_place(const struct backlog *outbox)
{
    struct pledges_place place = {.slice = 0};
    uint32_t left = outbox->pledged;
    for (; left > 0 && left >= backlog_at(outbox, place.slice)->length;
         place.slice++)
        left -= backlog_at(outbox, place.slice)->length;
    while (place.offset < left) {
        const struct slice *slice = backlog_at(outbox, place.slice);
        const uint8_t *message = slice_bytes(slice) + place.offset;
        place.offset += (uint32_t)frame_size(frame_get_length(message));
        place.message++;
    }
    return place;
}

/* The first ones of one lane, with consecutive numbers, that end within so
 * many bytes, are sent. */
static void settle_first(struct pledges *p, uint64_t written)
{
    struct pledge first = p->list[p->first];
    uint32_t count = 0;
    uint64_t bytes = 0;
    for (; p->count > 0; count++, p->first++, p->count--) {
        const struct pledge *next = &p->list[p->first];
        if (next->lane != first.lane || next->number != first.number + count ||
            (int64_t)(written - next->end) < 0)
            break;
        bytes += next->bytes;
    }
    if (!first.lane)
        return;
    if (first.lane->worker)
        queue_work_sent(first.lane, first.number, count);
    first.lane->outbox->pledged -= (uint32_t)bytes;
    subscriber_sent(first.lane, bytes);
    subscriber_count_sent(first.lane);
}

static void settle(struct session *s, uint64_t written)
{
    struct pledges *p = s->units->pledges;
    while (p->count > 0 && (int64_t)(written - p->list[p->first].end) >= 0)
        settle_first(p, written);
    if (p->count == 0)
        pledges_free(s);
}

bool pledges_reserve(struct session *s, uint32_t messages)
{
    struct pledges *p = s->units->pledges;
    uint32_t before = p ? p->first + p->count : 0;
    if (p && p->capacity - before >= messages)
        return true;
    uint32_t capacity = (p ? 2 * p->count : 0) + messages;
    struct pledges *larger = budget_alloc(s->all->budget, size_for(capacity));
    if (!larger) {
        if (p)
            settle(s, p->taken);
        return false;
    }
    *larger = (struct pledges){.capacity = capacity};
    if (p) {
        larger->taken = p->taken;
        larger->count = p->count;
        for (uint32_t i = 0; i < p->count; i++)
            larger->list[i] = p->list[p->first + i];
        pledges_free(s);
    }
    s->units->pledges = larger;
    return true;
}

void pledges_add(struct session *s, struct subscriber *lane, uint64_t number,
                 uint32_t bytes, size_t end)
{
    struct pledges *p = s->units->pledges;
    assert(p->first + p->count < p->capacity);
    p->list[p->first + p->count++] = (struct pledge){
        .lane = lane, .number = number, .end = p->taken + end, .bytes = bytes};
    lane->outbox->pledged += bytes;
}

void pledges_taken(struct session *s, size_t bytes)
{
    struct pledges *p = s->units->pledges;
    if (p && p->count == 0)
        pledges_free(s);
    else if (p)
        p->taken += bytes;
}

void pledges_progress(struct session *s, size_t taken)
{
    const struct pledges *p = s->units->pledges;
    if (p)
        settle(s, p->taken + taken - stream_pledged(s->stream));
}

void pledges_settle(struct session *s)
{
    counter_add(s->all->counters, COUNT_bytes_out, stream_settle(s->stream));
    pledges_progress(s, 0);
}

void pledges_leave(struct session *s, const struct subscriber *lane)
{
    struct pledges *p = s->units ? s->units->pledges : NULL;
    for (uint32_t i = 0; p && i < p->count; i++) {
        struct pledge *one = &p->list[p->first + i];
        if (one->lane != lane)
            continue;
        struct subscriber *sub = one->lane;
        one->lane = NULL;
        sub->outbox->pledged -= one->bytes;
        if (!sub->worker)
            subscriber_sent(sub, one->bytes);
    }
}

void pledges_end(struct session *s)
{
    if (!s->units || !s->units->pledges)
        return;
    pledges_settle(s);
    struct pledges *p = s->units->pledges;
    if (!p)
        return;
    for (uint32_t i = 0; i < p->count; i++)
        if (p->list[p->first + i].lane)
            p->list[p->first + i].lane->outbox->pledged = 0;
    pledges_free(s);
}
