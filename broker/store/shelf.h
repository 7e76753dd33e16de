/* SPDX-License-Identifier: MIT
 *
 * shelf - the files of a store: segments, of which the newest is written, and
 * spares, whose contents mean nothing. It knows names, sizes and bounds, not
 * what is in a segment.
 *
 *     spare-N.seg --take--> (being begun) --name--> <id>.seg --free--> spare
 */
#ifndef SLUICE_STORE_SHELF_H
#define SLUICE_STORE_SHELF_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/store/disk.h"
#include "proto/journal_names.h"

enum {
    SHELF_SPARES = JOURNAL_SPARES, /* kept at most */
    SHELF_RESERVE = 2, /* spares that only acknowledgements may use */
};

struct segment {
    uint64_t id;         /* 0: this place is free */
    uint64_t last_batch; /* number of its last batch, INDEX apart */
    uint64_t end;        /* offset behind that batch */
    uint64_t bytes;      /* of the file, */
    uint64_t readable;   /* and of them those that do not change any more */
    uint64_t live;       /* of records, as far as they are wanted; estimated */
    uint32_t seed;
    int file;      /* -1 unless it is written */
    uint64_t need; /* copying it took so much, UINT64_MAX: it was in vain; 0:
                      not known */
    uint64_t need_live; /* when so much of it lived */
    bool is_damaged;    /* never freed */
    bool is_freed;      /* by the batch that is put together */
};

struct shelf {
    struct disk disk;
    struct segment *segments;
    uint32_t count; /* places, free ones included */
    size_t room;
    uint64_t segment_bytes, limit_bytes, free_bytes;
    bool is_opening;      /* neither bound is looked at */
    uint64_t other_bytes; /* of files that it leaves alone */
    int spares;           /* spare-0.seg, spare-1.seg, ... */
};

/* Closes all files and frees the memory. */
void shelf_clear(struct shelf *s);

/* A free place, its file closed; UINT32_MAX without memory. Pointers to
 * segments are void then. */
uint32_t shelf_place(struct shelf *s);

/* Reads from a segment's file, as the disk does. It is opened for that unless
 * it is being written. */
int shelf_read(struct shelf *s, uint32_t segment, uint64_t offset, void *into,
               size_t length, size_t *got);
/* A segment's file is not written any more. */
void shelf_close(struct shelf *s, uint32_t segment);

/* How large a further file could be, as far as is known. */
uint64_t shelf_space(const struct shelf *s);
/* Makes spares until there are `count`. ENOSPC also when a bound forbids
 * them. */
int shelf_make_spares(struct shelf *s, int count);
/* Opens a file of `bytes`, which must not be less than segment_bytes, to be
 * begun: a spare, or one that is made. It has the name of the spare that comes
 * next. One of another size makes room for itself by removing spares, down to
 * `keep`. */
int shelf_take(struct shelf *s, uint64_t bytes, int keep, int *file);
/* It was not used. */
void shelf_put_back(struct shelf *s, uint64_t bytes, int file);

/* A segment that nothing on disk needs: its file becomes a spare or is
 * removed, its place is free. An error leaves a file that opening finds. */
void shelf_free(struct shelf *s, uint32_t segment);

/* Bytes of all files. */
uint64_t shelf_bytes(const struct shelf *s);
/* Segments, and the bytes of their files and of what is live in them. */
uint32_t shelf_sum(const struct shelf *s, uint64_t *bytes, uint64_t *live);

#endif
