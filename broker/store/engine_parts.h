/* SPDX-License-Identifier: MIT
 *
 * engine_parts - what the files of the engine share: engine.c takes orders,
 * step.c makes a batch of them, writer.c appends to the newest segment,
 * moving.c copies what lives out of old ones, reading.c answers reads,
 * opening.c finds out what there is.
 */
#ifndef SLUICE_STORE_ENGINE_PARTS_H
#define SLUICE_STORE_ENGINE_PARTS_H

#include <stddef.h>

#include "broker/store/batch.h"
#include "broker/store/catalog.h"
#include "broker/store/engine.h"
#include "broker/store/shelf.h"
#include "broker/store/window.h"
#include "proto/journal.h"

enum { SEGMENT_NONE = UINT32_MAX };

/* Numbers that lie in the victim: those of a place. */
struct move {
    uint64_t first;
    uint32_t channel, at; /* as in the place */
};

struct moving {
    uint32_t victim;    /* SEGMENT_NONE: none is being emptied */
    struct move *moves; /* what was wanted there when that began, by offset */
    size_t count, room;
    size_t next; /* of them; those before it were copied, or are not wanted */
};

struct engine {
    struct shelf shelf;
    struct catalog catalog;
    struct batch batch;
    struct window window;
    struct moving moving;
    enum store_state state;
    uint8_t uuid[JOURNAL_UUID];
    uint64_t chance; /* for salts */
    uint64_t wall_ms;
    uint64_t next_batch;               /* its number */
    uint64_t next_id;                  /* of a segment */
    uint32_t newest;                   /* SEGMENT_NONE until there is one */
    bool is_sealed;                    /* the newest is complete */
    bool is_last;                      /* no segment more is to be had */
    struct journal_index_entry *index; /* of the newest, */
    size_t index_count, index_room;
    size_t index_known; /* of them, those that the catalog knows */
    struct store_put puts[ENGINE_PUTS]; /* a ring; */
    uint32_t taken, written, reaped;    /* so many puts were, ever */
    struct engine_stats stats;
};

static inline struct store_put *engine_put_at(struct engine *e, uint32_t n)
{
    return &e->puts[n % ENGINE_PUTS];
}

#endif
