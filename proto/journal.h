/* SPDX-License-Identifier: MIT
 *
 * journal - the bytes of a segment file: its header, batches, records, and the
 * seal at its end. docs/journal.md is the format; what records hold is in
 * proto/journal_entry.h. Functions on bytes only: the broker's store, the
 * command `sluice journal` and the fuzzers read with the same ones.
 *
 *     segment = header, batch..., [seal in the last bytes of the file]
 *     batch   = header, record..., trailer, [zeros to a page]
 *     record  = header, payload, zeros to a multiple of 8
 *
 * Integers are little-endian. Every checksum but that of the segment's header
 * begins with the seed of its segment, so bytes of another file, or of an
 * earlier life of this one, never verify. What is not checked by a checksum
 * must be zero and is checked for that.
 */
#ifndef SLUICE_PROTO_JOURNAL_H
#define SLUICE_PROTO_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JOURNAL_VERSION = 1, /* the only one that is written and read */
    JOURNAL_UUID = 16,   /* bytes */
    JOURNAL_ALIGNMENT = 8,
    JOURNAL_PAGE = 4096,
    JOURNAL_SEGMENT_HEADER = 64, /* bytes of each, from here on */
    JOURNAL_BATCH_HEADER = 40,
    JOURNAL_BATCH_TRAILER = 16,
    JOURNAL_RECORD_HEADER = 32,
    JOURNAL_SEAL = 32,
    JOURNAL_BATCH_MAX = 4 << 20, /* unless one record, STATE or INDEX is more */
};

/* Why bytes are not what they should be. */
enum journal_fault {
    JOURNAL_SOUND,
    JOURNAL_SHORT,    /* the bytes end before it does */
    JOURNAL_FOREIGN,  /* no magic number */
    JOURNAL_CHECKSUM, /* changed, or another segment's */
    JOURNAL_NEWER,    /* a version, flag or record that must be understood */
    JOURNAL_MALFORMED /* verified, but no writer makes it */
};

/* A fault in a few words: "checksum does not match". */
const char *journal_fault_text(enum journal_fault fault);

struct journal_segment {
    uint64_t id; /* from 1 */
    uint8_t uuid[JOURNAL_UUID];
    uint64_t first_batch;
    uint64_t file_bytes;
    uint32_t salt;         /* random */
    uint32_t header_bytes; /* where the first batch begins; set by get */
};

/* Writes a header; `header_bytes` is not looked at. */
void journal_put_segment(uint8_t out[JOURNAL_SEGMENT_HEADER],
                         const struct journal_segment *segment);
/* Reads and verifies one; `segment` is valid if it is sound. */
enum journal_fault journal_get_segment(struct journal_segment *segment,
                                       const void *bytes, size_t length);

/* The start value of every other checksum of the segment. */
uint32_t journal_seed(const struct journal_segment *segment);

enum journal_batch_flag {
    JOURNAL_BATCH_STATE = 1, /* the first of a segment */
    JOURNAL_BATCH_INDEX = 2, /* the last of a sealed one: INDEX, or NUMBERS
                                where an INDEX would be too large */
    JOURNAL_BATCH_PAGE = 4,  /* zeros follow, to a multiple of JOURNAL_PAGE */
    JOURNAL_BATCH_FLAGS = 7
};

struct journal_batch {
    uint32_t records; /* at least 1 */
    uint32_t flags;
    uint64_t bytes; /* header and trailer included, zeros behind it not */
    uint64_t number;
    uint64_t at_ms; /* since 1970 */
};

/* Writes the header of a batch. */
void journal_put_batch(uint8_t out[JOURNAL_BATCH_HEADER], uint32_t seed,
                       const struct journal_batch *batch);
/* Reads and verifies one; nothing of the records is looked at. */
enum journal_fault journal_get_batch(struct journal_batch *batch, uint32_t seed,
                                     const void *bytes, size_t length);

/* Where the batch after one at `offset` of the file begins. */
uint64_t journal_batch_end(const struct journal_batch *batch, uint64_t offset);

/* Sets JOURNAL_BATCH_PAGE if the zeros would be at most a quarter of the batch:
 * then no page is written twice, and no byte that was flushed shares a sector
 * with bytes to come. */
void journal_batch_fill_page(struct journal_batch *batch, uint64_t offset);

/* The trailer: `checksum` is that of the headers of all records, in order. */
void journal_put_trailer(uint8_t out[JOURNAL_BATCH_TRAILER], uint32_t checksum,
                         uint64_t number);
enum journal_fault journal_get_trailer(const void *bytes, size_t length,
                                       uint32_t checksum, uint64_t number);

/* What is in a record; in files, so numbers never change. */
enum journal_type {
    JOURNAL_MESSAGES = 1,
    JOURNAL_ACKS = 2,
    JOURNAL_CHANNEL = 3,
    JOURNAL_DROP = 4,
    JOURNAL_TRIM = 5,
    JOURNAL_SEGMENTS = 6,
    JOURNAL_FREE = 7,
    JOURNAL_INDEX = 8,
    JOURNAL_NUMBERS = 9,
    JOURNAL_TYPES /* one more than the last */
};

enum journal_record_flag {
    JOURNAL_RECORD_CRITICAL = 1, /* readers that do not know it must refuse */
    JOURNAL_RECORD_MOVED = 2,    /* copied by compaction */
};

/* How messages lie in a record of them. */
enum journal_form {
    JOURNAL_FORM_PLAIN = 1, /* u32 big-endian length, body */
    JOURNAL_FORM_RICH = 2,  /* u32 length, headers, u32 length, body */
};

struct journal_record {
    uint32_t bytes; /* of the payload, without the zeros behind it */
    uint8_t type;
    uint8_t flags;
    uint8_t form;     /* of messages; 0 otherwise */
    uint32_t channel; /* 0: none */
    uint32_t count;
    uint64_t first;    /* number */
    uint32_t checksum; /* of the payload */
};

/* `record->checksum` is crc32c(seed, payload). */
void journal_put_record(uint8_t out[JOURNAL_RECORD_HEADER], uint32_t seed,
                        const struct journal_record *record);
/* JOURNAL_NEWER for an unknown type that is critical; other unknown types are
 * sound, and for the caller to skip. */
enum journal_fault journal_get_record(struct journal_record *record,
                                      uint32_t seed, const void *bytes,
                                      size_t length);

/* Bytes of a payload with the zeros behind it. */
static inline uint64_t journal_padded(uint64_t bytes)
{
    return (bytes + JOURNAL_ALIGNMENT - 1) & ~(uint64_t)(JOURNAL_ALIGNMENT - 1);
}

/* Whether `bytes` are zeros, as all padding must be. */
bool journal_is_zero(const void *bytes, size_t length);

/* Verifies a whole batch: header, records, payloads, padding, trailer. It
 * counts as a whole or not at all. `batch` is valid unless the header itself
 * is at fault. */
enum journal_fault journal_verify(struct journal_batch *batch, uint32_t seed,
                                  const void *bytes, size_t length);

/* The records of a batch that journal_verify() found sound. */
struct journal_walk {
    const uint8_t *at;
    uint32_t left;
};

/* Begins at the first record of the batch at `bytes`. */
struct journal_walk journal_walk(const void *bytes);
/* The next record and where its payload is; false behind the last one. */
bool journal_walk_next(struct journal_walk *walk, struct journal_record *record,
                       const uint8_t **payload);

/* The last bytes of a segment that is complete. `index` is the offset of the
 * batch with JOURNAL_BATCH_INDEX, where all others have ended; 0 where a writer
 * left it out, so that a damaged last batch cannot be told from the end. */
void journal_put_seal(uint8_t out[JOURNAL_SEAL], uint32_t seed, uint64_t id,
                      uint64_t index);
enum journal_fault journal_get_seal(uint64_t *index, uint32_t seed, uint64_t id,
                                    const void *bytes, size_t length);

#endif
