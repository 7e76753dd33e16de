/* SPDX-License-Identifier: MIT */
#include "broker/base/wheel.h"

#include <assert.h>

enum {
    RING_BITS = 6, /* of the number of a slot */
    SLOT_MASK = WHEEL_SLOTS - 1,
    MOVES_MAX = 1024, /* alarms moved to finer rings by one wheel_pop() */
};

void wheel_init(struct wheel *w, clock_ms now)
{
    *w = (struct wheel){.time = now};
    for (unsigned ring = 0; ring < WHEEL_RINGS; ring++)
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&w->slots[ring][slot]);
    list_init(&w->begun);
}

/* Ticks from the wheel's own until the first that begins at `when` or after
 * it; 0 when it has begun already. */
static uint32_t wheel_ticks_until(const struct wheel *w, clock_ms when)
{
    int32_t ms = (int32_t)(when - w->time);
    return ms <= 0 ? 0 : ((uint32_t)ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
}

/* Ticks until the time of the first occupied slot of a ring begins;
 * UINT32_MAX when all are empty. Except in the finest ring, the current slot
 * was emptied when its time began: its alarms now are for the next turn. */
static uint32_t wheel_distance(const struct wheel *w, unsigned ring)
{
    unsigned shift = ring * RING_BITS;
    unsigned first = (w->tick >> shift) + (ring > 0);
    uint64_t bits = w->occupied[ring];
    if (bits == 0)
        return UINT32_MAX;
    first &= SLOT_MASK;
    if (first > 0)
        bits = bits >> first | bits << (WHEEL_SLOTS - first);
    uint32_t slots = (uint32_t)__builtin_ctzll(bits) + (ring > 0);
    return (((w->tick >> shift) + slots) << shift) - w->tick;
}

/* The same for all rings. */
static uint32_t wheel_next(const struct wheel *w)
{
    uint32_t next = UINT32_MAX;
    for (unsigned ring = 0; ring < WHEEL_RINGS; ring++) {
        uint32_t ticks = wheel_distance(w, ring);
        next = ticks < next ? ticks : next;
    }
    return next;
}

static uint32_t wheel_elapsed(const struct wheel *w, clock_ms now)
{
    return clock_elapsed_ms(now, w->time) / WHEEL_TICK_MS;
}

static void wheel_advance(struct wheel *w, uint32_t ticks)
{
    w->tick += ticks;
    w->time += ticks * WHEEL_TICK_MS;
}

/* Puts an alarm in the slot that its distance requires; false when it is
 * due. */
static bool wheel_hang(struct wheel *w, struct alarm *a)
{
    uint32_t ticks = wheel_ticks_until(w, a->due);
    if (ticks == 0)
        return false;
    unsigned ring = 0;
    while (ticks >> (RING_BITS * (ring + 1)) != 0)
        ring++;
    assert(ring < WHEEL_RINGS);
    unsigned slot = (w->tick + ticks) >> (RING_BITS * ring) & SLOT_MASK;
    list_insert(&w->slots[ring][slot], &a->link);
    w->occupied[ring] |= UINT64_C(1) << slot;
    return true;
}

/* Distances count from the wheel's tick, which may be long ago if nothing has
 * been due since. So the wheel catches up first, but not beyond a slot that it
 * still has to empty. */
void wheel_set(struct wheel *w, struct alarm *a, clock_ms now,
               uint32_t after_ms)
{
    uint32_t elapsed = wheel_elapsed(w, now), next = wheel_next(w);
    assert(after_ms <= WHEEL_LONGEST_MS);
    wheel_advance(w, elapsed < next ? elapsed : next - 1);
    wheel_cancel(w, a);
    a->due = now + after_ms;
    if (!wheel_hang(w, a))
        list_insert(&w->begun, &a->link);
}

/* The last one out of a slot clears its bit: its only neighbour is then the
 * head of the list, and where that lies says which slot it is. */
void wheel_cancel(struct wheel *w, struct alarm *a)
{
    struct list *head = a->link.next;
    bool is_last = head == a->link.prev && head != &a->link;
    list_remove(&a->link);
    if (!is_last || head == &w->begun)
        return;
    size_t slot = (size_t)(head - &w->slots[0][0]);
    assert(slot < (size_t)WHEEL_RINGS * WHEEL_SLOTS);
    w->occupied[slot / WHEEL_SLOTS] &= ~(UINT64_C(1) << slot % WHEEL_SLOTS);
}

/* Goes on to the next tick at which slots begin, perhaps in several rings, and
 * empties these slots; false when that tick is still to come. */
static bool wheel_begin(struct wheel *w, clock_ms now)
{
    uint32_t elapsed = wheel_elapsed(w, now), next = wheel_next(w);
    bool begins[WHEEL_RINGS];
    for (unsigned ring = 0; ring < WHEEL_RINGS; ring++)
        begins[ring] = wheel_distance(w, ring) == next;
    wheel_advance(w, next <= elapsed ? next : elapsed);
    if (next > elapsed)
        return false;
    for (unsigned ring = 0; ring < WHEEL_RINGS; ring++) {
        unsigned slot = w->tick >> (RING_BITS * ring) & SLOT_MASK;
        if (!begins[ring])
            continue;
        list_splice(&w->begun, &w->slots[ring][slot]);
        w->occupied[ring] &= ~(UINT64_C(1) << slot);
    }
    return true;
}

struct alarm *wheel_pop(struct wheel *w, clock_ms now)
{
    for (unsigned moves = 0; moves < MOVES_MAX; moves++) {
        while (list_is_empty(&w->begun))
            if (!wheel_begin(w, now))
                return NULL;
        struct list *link = list_pop(&w->begun);
        struct alarm *a = LIST_OF(link, struct alarm, link);
        if (!wheel_hang(w, a))
            return a;
    }
    return NULL;
}

uint32_t wheel_wait_ms(const struct wheel *w, clock_ms now)
{
    uint32_t next = wheel_next(w);
    if (!list_is_empty(&w->begun))
        return 0;
    if (next == UINT32_MAX)
        return UINT32_MAX;
    int32_t ms = (int32_t)(w->time + next * WHEEL_TICK_MS - now);
    return ms > 0 ? (uint32_t)ms : 0;
}
