/* SPDX-License-Identifier: MIT
 *
 * calls - the units that the broker has not answered yet, by their request ids.
 * An id is the number of a slot and that of its use, so that none is used twice
 * on a connection, and finding a call takes one step.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_CALLS_H
#define SLUICE_CLIENT_LIB_UNITS_CALLS_H

#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

enum sluice_call_kind {
    SLUICE_CALL_PLAIN,
    SLUICE_CALL_SUBSCRIBE,
    SLUICE_CALL_RESUBSCRIBE, /* after a reconnection */
    SLUICE_CALL_REQUEST,
    SLUICE_CALL_GOODBYE,
};

struct sluice_reader;

struct sluice_call {
    enum sluice_call_kind kind;
    uint64_t token;
    struct sluice_reader *reader; /* of the two that subscribe, else NULL */
};

struct sluice_calls_slot;

struct sluice_calls {
    struct sluice_calls_slot *slots; /* NULL before the first call */
    uint32_t capacity;
    uint32_t count;
    uint32_t requests; /* of them */
    uint32_t free;     /* the first free slot; capacity: none */
};

void sluice_calls_fini(struct sluice_calls *calls);

/* The id of the next call that is put. False without memory. */
bool sluice_calls_next(struct sluice_calls *calls, uint64_t *rid);

/* Puts the call of which sluice_calls_next() has just returned the id. */
void sluice_calls_put(struct sluice_calls *calls, struct sluice_call call);

/* Takes the call with that id, as it stands in a head; false if there is none.
 */
bool sluice_calls_take(struct sluice_calls *calls, struct span rid,
                       struct sluice_call *call);

/* Takes any; false when there is none. */
bool sluice_calls_take_any(struct sluice_calls *calls,
                           struct sluice_call *call);

#endif
