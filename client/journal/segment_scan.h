/* SPDX-License-Identifier: MIT
 *
 * segment_scan - reads the bytes of one segment from its first batch to its
 * last, and goes on behind what is damaged. It verifies every byte that means
 * something, and gives away only records that are sound.
 */
#ifndef SLUICE_CLIENT_JOURNAL_SEGMENT_SCAN_H
#define SLUICE_CLIENT_JOURNAL_SEGMENT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/journal.h"

/* A part of the file that is not as it was written. */
struct segment_scan_damage {
    uint64_t from, to;   /* bytes; `to` is behind the last */
    uint64_t batch, end; /* the batches in it, `end` behind the last; both 0
                            when none is concerned */
    enum journal_fault fault;
    const char *what; /* that is damaged */
};

struct segment_scan_ops {
    /* A record that is sound, in the order of the file; its payload lies at
     * `offset`. `is_whole`: so is its batch. False to go no further. */
    bool (*on_record)(void *arg, const struct journal_batch *batch,
                      bool is_whole, const struct journal_record *record,
                      const uint8_t *payload, uint64_t offset);
    /* A record whose header is sound, and its payload is not. NULL: nobody
     * wants it. */
    void (*on_broken)(void *arg, const struct journal_record *record);
    /* False to go no further. */
    bool (*on_damage)(void *arg, const struct segment_scan_damage *damage);
};

struct segment_scan {
    /* To be set. */
    const uint8_t *bytes;
    uint64_t length;
    const struct journal_segment *segment;
    uint64_t last_batch; /* its number, as a later segment says; 0: not known,
                            so the end may be torn */
    const struct segment_scan_ops *ops;
    void *arg;
    /* The answer. */
    uint64_t batches;    /* that are sound, INDEX apart */
    uint64_t last_seen;  /* number of the last of them */
    uint64_t end;        /* behind it, and its zeros */
    uint64_t torn_bytes; /* of a batch behind it that was not completed */
    uint64_t index;      /* offset of the INDEX batch, 0: none, or not sealed */
    bool has_index;      /* that one lists the messages */
    bool is_sealed;
    bool has_state; /* its first batch is sound */
};

/* False when an operation has returned false. */
bool segment_scan(struct segment_scan *scan);

/* Whether the segment begins with a STATE that is sound. */
bool segment_scan_has_state(const struct journal_segment *segment,
                            const uint8_t *bytes, uint64_t length);

#endif
