/* SPDX-License-Identifier: MIT
 *
 * catalog - what the records of a journal say: its channels, which of their
 * messages are done, and where the others lie. Records are applied from the
 * newest STATE on, in their order; of older segments only messages are.
 */
#ifndef SLUICE_CLIENT_JOURNAL_CATALOG_H
#define SLUICE_CLIENT_JOURNAL_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ranges.h"
#include "proto/journal.h"

struct catalog_channel {
    uint32_t id;
    enum journal_kind kind;
    bool is_dropped;
    uint8_t name_bytes;
    uint8_t name[JOURNAL_NAME_MAX];
    uint64_t next, floor; /* as in journal_channel */
    struct ranges done;   /* above the floor */
    struct ranges found;  /* lie in some extent */
};

/* Messages that lie back to back. */
struct catalog_extent {
    uint32_t channel;
    uint32_t count;
    uint64_t first;  /* number */
    uint64_t offset; /* of the payload, in its file */
    uint32_t bytes;
    uint32_t checksum; /* of the payload */
    uint32_t file;     /* index of the segment, as the caller counts them */
    uint8_t form;      /* enum journal_form */
    uint64_t at_ms;    /* of its batch, since 1970 */
};

/* Where a record was found. */
struct catalog_place {
    uint64_t offset; /* of its payload, in the file */
    uint32_t file;   /* as in an extent */
    uint64_t at_ms;
    bool is_older; /* in a segment before the newest STATE */
};

/* Zeros are an empty catalog. */
struct catalog {
    struct catalog_channel *channels; /* rising ids */
    size_t channel_count, channel_room;
    struct catalog_extent *extents; /* as found; sorted by catalog_settle() */
    size_t extent_count, extent_room;
    struct journal_segment_entry *segments; /* live ones, of STATE */
    size_t segment_count, segment_room;
    struct ranges freed; /* ids of segments */
    struct journal_numbers numbers;
    uint64_t nameless; /* messages of channels that no record names */
    bool keeps_done;   /* to be set: extents whose messages are done count */
};

/* Frees what it holds. */
void catalog_fini(struct catalog *c);

/* Applies a sound record. False when there is no memory. */
bool catalog_apply(struct catalog *c, const struct journal_record *record,
                   const uint8_t *payload, const struct catalog_place *place);

/* The channel's numbers below `next` are used. */
void catalog_raise(struct catalog *c, uint32_t channel, uint64_t next);

/* Sorts the extents. Call it when all are there. */
void catalog_settle(struct catalog *c);

/* NULL when there is none. */
struct catalog_channel *catalog_find(const struct catalog *c, uint32_t id);

/* Adds numbers, which may be none; false when there is no memory. */
bool catalog_add(struct ranges *to, uint64_t first, uint64_t end);

/* Whether a message of a channel is done. */
bool catalog_is_done(const struct catalog_channel *channel, uint64_t number);

/* Of the numbers from `first` on, below `end`, how many messages are not done.
 */
uint64_t catalog_count_live(const struct catalog_channel *channel,
                            uint64_t first, uint64_t end);

/* Calls `each` for each run of messages that are not done and were not found
 * in the catalog. */
void catalog_each_lost(const struct catalog *c,
                       void (*each)(void *arg,
                                    const struct catalog_channel *channel,
                                    struct range lost),
                       void *arg);

#endif
