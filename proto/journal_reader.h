/* SPDX-License-Identifier: MIT
 *
 * journal_reader - finds and verifies what one segment holds, wherever its
 * bytes are: in a file that is read in parts, or in memory.
 */
#ifndef SLUICE_PROTO_JOURNAL_READER_H
#define SLUICE_PROTO_JOURNAL_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/journal.h"

struct journal_reader {
    /* `length` bytes at `offset`, below `limit`; valid until the next call.
     * NULL when they cannot be had. */
    const uint8_t *(*get)(void *source, uint64_t offset, uint64_t length);
    void *source;
    uint64_t limit; /* no byte from this offset on is looked at */
    uint32_t seed;  /* of the segment */
};

/* The batch at an offset, verified as a whole; `*bytes` is where it is. What
 * its records hold is not looked at. */
enum journal_fault journal_read_batch(const struct journal_reader *r,
                                      uint64_t at, struct journal_batch *batch,
                                      const uint8_t **bytes);

/* The offset of the first batch from `at` on, in steps of JOURNAL_ALIGNMENT:
 * its header is sound, and the seed makes sure that no message has such bytes.
 * `limit` when there is none. */
uint64_t journal_find_batch(const struct journal_reader *r, uint64_t at,
                            struct journal_batch *batch);

/* The record at an offset, with a payload that is what its type says. With
 * NULL for the payload its header alone is verified. */
enum journal_fault journal_read_record(const struct journal_reader *r,
                                       uint64_t at,
                                       struct journal_record *record,
                                       const uint8_t **payload);

/* Whether a segment of `file_bytes` ends with its seal, which has the offset of
 * INDEX. */
bool journal_read_seal(const struct journal_reader *r, uint64_t id,
                       uint64_t file_bytes, uint64_t *index);

#endif
