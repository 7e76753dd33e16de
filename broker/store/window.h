/* SPDX-License-Identifier: MIT
 *
 * window - reads segments through a buffer, for records that lie one after
 * another.
 */
#ifndef SLUICE_STORE_WINDOW_H
#define SLUICE_STORE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "broker/store/shelf.h"
#include "proto/journal_reader.h"

/* How much is read at once, at least: where records follow, where whole
 * segments are scanned, and where no more is wanted. */
enum {
    WINDOW_BYTES = 256 << 10,
    WINDOW_SCAN_BYTES = 1 << 20,
    WINDOW_FEW_BYTES = 4096,
};

struct window {
    struct shelf *shelf;
    int error;      /* of the last call that returned NULL: an errno, or 0 where
                       the bytes are not there */
    uint8_t *bytes; /* NULL before the first read */
    size_t room, length;
    uint64_t segment; /* id of that which is in it; 0: none */
    uint64_t offset;  /* in its file */
    size_t chunk;     /* read at once, at least */
    uint32_t reading; /* place of the segment that has a reader */
    uint64_t read;    /* bytes, since the start */
};

/* `length` bytes at `offset` of a segment, valid until the next call. NULL: see
 * `error`. */
const uint8_t *window_get(struct window *w, uint32_t segment, uint64_t offset,
                          uint64_t length);

/* Reads a segment with a seed, by window_get(); until the next one is made. */
struct journal_reader window_reader(struct window *w, uint32_t segment);

/* Frees its memory. */
void window_clear(struct window *w);

#endif
