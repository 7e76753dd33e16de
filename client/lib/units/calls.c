/* SPDX-License-Identifier: MIT */
#include "client/lib/units/calls.h"

#include "proto/unit_option.h"

#include <stdlib.h>

enum { CALLS_SLOT_BITS = 20, CALLS_FIRST = 16 };

struct sluice_calls_slot {
    struct sluice_call call;
    uint64_t use;  /* counts, from 1 */
    uint32_t next; /* the next free slot */
    bool is_used;
};

void sluice_calls_fini(struct sluice_calls *calls)
{
    free(calls->slots);
    *calls = (struct sluice_calls){.slots = NULL};
}

static bool calls_grow(struct sluice_calls *calls)
{
    uint32_t capacity = calls->capacity ? calls->capacity * 2 : CALLS_FIRST;
    if (capacity > UINT32_C(1) << CALLS_SLOT_BITS)
        return false;
    struct sluice_calls_slot *slots =
        realloc(calls->slots, capacity * sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = calls->capacity; i < capacity; i++)
        slots[i] = (struct sluice_calls_slot){.use = 1, .next = i + 1};
    calls->slots = slots;
    calls->free = calls->capacity;
    calls->capacity = capacity;
    return true;
}

bool sluice_calls_next(struct sluice_calls *calls, uint64_t *rid)
{
    if (calls->free == calls->capacity && !calls_grow(calls))
        return false;
    *rid = calls->slots[calls->free].use << CALLS_SLOT_BITS | calls->free;
    return true;
}

void sluice_calls_put(struct sluice_calls *calls, struct sluice_call call)
{
    struct sluice_calls_slot *slot = &calls->slots[calls->free];
    calls->free = slot->next;
    slot->is_used = true;
    slot->call = call;
    calls->count++;
    calls->requests += call.kind == SLUICE_CALL_REQUEST;
}

static struct sluice_call calls_empty(struct sluice_calls *calls, uint32_t at)
{
    struct sluice_calls_slot *slot = &calls->slots[at];
    slot->is_used = false;
    slot->use++;
    slot->next = calls->free;
    calls->free = at;
    calls->count--;
    calls->requests -= slot->call.kind == SLUICE_CALL_REQUEST;
    return slot->call;
}

bool sluice_calls_take(struct sluice_calls *calls, struct span rid,
                       struct sluice_call *call)
{
    uint64_t number;
    if (!unit_number_read(rid, &number))
        return false;
    uint32_t at = (uint32_t)(number & ((UINT64_C(1) << CALLS_SLOT_BITS) - 1));
    if (at >= calls->capacity || !calls->slots[at].is_used ||
        calls->slots[at].use != number >> CALLS_SLOT_BITS)
        return false;
    *call = calls_empty(calls, at);
    return true;
}

bool sluice_calls_take_any(struct sluice_calls *calls, struct sluice_call *call)
{
    for (uint32_t i = 0; calls->count > 0 && i < calls->capacity; i++)
        if (calls->slots[i].is_used) {
            *call = calls_empty(calls, i);
            return true;
        }
    return false;
}
