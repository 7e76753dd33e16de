/* SPDX-License-Identifier: MIT
 *
 * catalog - which channels there are, which of their numbers are done, and in
 * which record of which segment each of the others lies. It keeps what is live
 * in each segment up to date, and touches no file.
 */
#ifndef SLUICE_STORE_CATALOG_H
#define SLUICE_STORE_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/idmap.h"
#include "broker/store/shelf.h"
#include "common/ranges.h"
#include "proto/journal.h"

/* Numbers first, ..., first + count - 1 lie in one record. All of a channel
 * rise and do not overlap. */
struct place {
    uint64_t first;
    uint32_t count;
    uint32_t left;    /* not done */
    uint32_t at;      /* offset of the record in its file, in units of 8 */
    uint32_t bytes;   /* of the record's payload */
    uint32_t segment; /* place on the shelf */
    uint32_t weight;  /* bytes of the file that these numbers stand for */
};

struct catalog_channel {
    uint32_t id;
    uint16_t name_length;
    bool is_new;        /* no batch says that it exists, */
    bool is_dropped;    /* or that it is gone */
    bool is_dirty;      /* in the list of those with something to be written */
    bool is_unsorted;   /* while it is loaded */
    uint64_t next;      /* number of its next message */
    uint64_t floor;     /* all numbers below it are done, */
    struct ranges done; /* and these; */
    struct ranges
        late; /* these are to be when they touch them: see range_max */
    struct ranges unwritten; /* of them, those that no batch says */
    struct place *places;
    uint32_t begin, end, room; /* those before `begin` are done */
    uint32_t reserved;         /* places to come */
    struct catalog_channel *next_dirty;
    struct catalog_channel *previous, *following; /* all channels */
    uint8_t name[];
};

struct catalog {
    struct shelf *shelf;
    struct idmap ids;
    struct catalog_channel *first, *last, *dirty;
    uint64_t above; /* no dropped channel has had this number or a higher one */
    uint32_t next_channel;
    uint64_t names_bytes; /* of all channels' entries without ranges */
    uint32_t range_count; /* of all that are done above their floors */
    uint32_t range_max;   /* there are no more of them: what would make one more
                             is late. Memory has it, and no batch says it, so it
                             is delivered again after a restart */
    uint32_t late_count;  /* ranges; as many as consumers leave gaps */
};

/* An empty one. */
void catalog_init(struct catalog *c, struct shelf *shelf);
/* Frees everything. */
void catalog_clear(struct catalog *c);

/* NULL when there is none. */
struct catalog_channel *catalog_find(const struct catalog *c, uint32_t id);
/* A new one; NULL without memory. */
struct catalog_channel *catalog_open(struct catalog *c, uint32_t id,
                                     const uint8_t *name, uint32_t length,
                                     uint64_t first);
/* It and all its places go; its numbers are not used again. It stays in the
 * list of those with something to be written. */
void catalog_drop(struct catalog *c, struct catalog_channel *channel);

/* The place of a record in a segment. */
struct place catalog_place(const struct journal_index_entry *entry,
                           uint32_t segment);
/* Makes sure that one more place can be added, or moved; false without memory.
 */
bool catalog_reserve(struct catalog_channel *channel);
/* That will not be. */
void catalog_release(struct catalog_channel *channel);
/* Adds a reserved place behind all others. */
void catalog_add(struct catalog *c, struct catalog_channel *channel,
                 struct place place);
/* A reserved place: these numbers, which are not done, lie there now. Those of
 * the same place before them are done, or have moved already. */
void catalog_move(struct catalog *c, struct catalog_channel *channel,
                  struct place to);
/* Numbers first, ..., end - 1 are done; false, with nothing changed, without
 * memory. `is_written`: a batch says so. */
bool catalog_ack(struct catalog *c, struct catalog_channel *channel,
                 uint64_t first, uint64_t end, bool is_written);
/* A batch says that all below `first` are done. */
void catalog_trim(struct catalog *c, struct catalog_channel *channel,
                  uint64_t first);
/* There is something to be written of it. */
void catalog_soil(struct catalog *c, struct catalog_channel *channel);
/* A batch says all that there was to be said. */
void catalog_clean(struct catalog *c);

/* The index of the first place that ends behind `number`. */
uint32_t catalog_search(const struct catalog_channel *channel, uint64_t number);
/* The next run of numbers that are not done: from *first on and below `end`.
 * False: there is none. */
bool catalog_run(const struct catalog_channel *channel, uint64_t *first,
                 uint64_t *run_end, uint64_t end);
/* Messages that are not done, and about how many bytes. */
uint64_t catalog_held(const struct catalog_channel *channel, uint64_t *bytes);

/* While opening: a place, in any order and maybe one of several for the same
 * numbers; false without memory. */
bool catalog_load(struct catalog_channel *channel, struct place place);
/* All are loaded: sorts them, leaves out what is done or there twice, and sums
 * what is live. */
void catalog_settle(struct catalog *c);

#endif
