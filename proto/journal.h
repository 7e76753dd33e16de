/* SPDX-License-Identifier: MIT
 *
 * journal - the bytes of a segment file. docs/journal.md is the format.
 * Functions on bytes only: the broker's store, the command `sluice journal` and
 * the fuzzers read with the same ones.
 *
 *     segment = header, batch..., [seal in the last bytes of the file]
 *     batch   = header, record..., trailer, [zeros to a page]
 *     record  = header, payload, zeros to a multiple of 8
 *     payload = messages, or entries of one type
 *
 * The members of the structs are the fields in the file, in their order; there,
 * integers are little-endian. Those called `magic` and `own_checksum` are set
 * by put and checked by get, and those called `zero` are zero. Every checksum
 * but that of the segment's header begins with the seed of its segment, so
 * bytes of another file, or of an earlier life of this one, never verify.
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
    JOURNAL_NAME_MAX = 255,      /* bytes of a channel's name */
    JOURNAL_SEGMENT_HEADER = 64, /* bytes of each, from here on */
    JOURNAL_BATCH_HEADER = 40,
    JOURNAL_BATCH_TRAILER = 16,
    JOURNAL_RECORD_HEADER = 32,
    JOURNAL_SEAL = 32,
    JOURNAL_RANGE = 16,
    JOURNAL_SEGMENT_ENTRY = 24,
    JOURNAL_CHANNEL_ENTRY = 32, /* without name and ranges */
    JOURNAL_FREE_ENTRY = 8,
    JOURNAL_INDEX_ENTRY = 32,
    JOURNAL_NUMBERS_ENTRY = 16,
    JOURNAL_BATCH_MAX = 4 << 20, /* unless one record, STATE or INDEX is more */
};

/* Ids of channels end below it. */
#define JOURNAL_ID_END UINT32_MAX

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
    char magic[8];
    uint16_t version,
        least_version;     /* to be known by its readers; set by put */
    uint32_t header_bytes; /* where the first batch begins; set by put */
    uint64_t id;           /* from 1 */
    uint8_t uuid[JOURNAL_UUID];
    uint64_t first_batch; /* its number */
    uint64_t file_bytes;
    uint32_t salt; /* random */
    uint32_t own_checksum;
};

/* Writes a header. */
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
    char magic[4];
    uint32_t records; /* at least 1 */
    uint64_t bytes;   /* header and trailer included, zeros behind it not */
    uint64_t number;
    uint64_t at_ms; /* since 1970 */
    uint32_t flags;
    uint32_t own_checksum;
};

/* Writes the header of a batch. */
void journal_put_batch(uint8_t out[JOURNAL_BATCH_HEADER], uint32_t seed,
                       const struct journal_batch *batch);
/* Reads and verifies one; nothing of the records is looked at. */
enum journal_fault journal_get_batch(struct journal_batch *batch, uint32_t seed,
                                     const void *bytes, size_t length);

/* Writes the trailer: `checksum` is that of the headers of all records, in
 * order. */
void journal_put_trailer(uint8_t out[JOURNAL_BATCH_TRAILER], uint32_t checksum,
                         uint64_t number);

/* Where the batch after one at `offset` of the file begins. */
uint64_t journal_batch_end(const struct journal_batch *batch, uint64_t offset);

/* Sets JOURNAL_BATCH_PAGE if the zeros would be at most a quarter of the batch:
 * then no page is written twice, and no byte that was flushed shares a sector
 * with bytes to come. */
void journal_batch_fill_page(struct journal_batch *batch, uint64_t offset);

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

/* "MESSAGES"; "unknown" for a type that is not above. */
const char *journal_type_name(uint8_t type);

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
    uint8_t form; /* of messages; 0 otherwise */
    uint8_t zero;
    uint32_t channel; /* 0: none */
    uint32_t count;
    uint64_t first;    /* number */
    uint32_t checksum; /* of the payload */
    uint32_t own_checksum;
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

/* Numbers first, first + 1, ...; in ACKS and in CHANNEL, rising and apart. */
struct journal_range {
    uint64_t first;
    uint32_t count; /* at least 1 */
    uint32_t zero;
};

enum journal_kind {
    JOURNAL_QUEUE = 1,
    JOURNAL_TOPIC = 2,
};

/* A channel as it stands when a segment begins, or when it is new. */
struct journal_channel {
    uint64_t next;  /* number of its next message */
    uint64_t floor; /* all numbers below it are done */
    uint32_t id;    /* 1, ..., JOURNAL_ID_END - 1; not used again */
    uint32_t ranges;
    uint8_t kind;
    uint8_t zero;
    uint16_t name_bytes; /* 1 to JOURNAL_NAME_MAX */
    uint32_t also_zero;
    const uint8_t *name; /* lies behind these fields, with zeros, and */
    const uint8_t *done; /* then the ranges above the floor; set by get */
};

/* A segment that lives, in STATE. What lies behind its last batch does not
 * count: an INDEX, a batch that was torn, or one that opening has written again
 * elsewhere. */
struct journal_segment_entry {
    uint64_t id;
    uint64_t last_batch; /* number of its last batch, INDEX apart */
    uint64_t end;        /* offset behind that batch and its zeros */
};

/* The place of a record of messages. */
struct journal_index_entry {
    uint64_t first; /* number */
    uint32_t channel;
    uint32_t count;
    uint32_t at;    /* offset of the record in its file, in units of 8 */
    uint32_t bytes; /* of the payload */
    uint8_t form;
    uint8_t flags;
    uint16_t zero;
    uint32_t checksum; /* of the payload */
};

/* Where new channels begin. */
struct journal_numbers {
    uint64_t above;        /* no channel has had a higher number */
    uint32_t next_channel; /* id; JOURNAL_ID_END: there is none left */
    uint32_t zero;
};

/* An entry, by the type of its record. Others have none. */
union journal_entry {
    struct journal_range range;           /* ACKS */
    struct journal_channel channel;       /* CHANNEL */
    struct journal_segment_entry segment; /* SEGMENTS */
    uint64_t freed;                       /* FREE: id of a segment */
    struct journal_index_entry index;     /* INDEX */
    struct journal_numbers numbers;       /* NUMBERS */
};

/* Bytes that a channel takes, with its name and ranges. */
uint64_t journal_channel_bytes(const struct journal_channel *channel);

/* Writes an entry and returns its end; of a channel, the place of the ranges,
 * which are the caller's to write. */
uint8_t *journal_put(enum journal_type type, uint8_t *out,
                     const union journal_entry *entry);

/* Reads the entry at the front, of a record that journal_check() found sound,
 * and returns its end. A channel points into the bytes. */
const uint8_t *journal_get(enum journal_type type, union journal_entry *entry,
                           const uint8_t *bytes);

/* The length of the message at the front of `left` bytes in this form; 0 when
 * they do not hold a whole one. */
uint64_t journal_message_bytes(enum journal_form form, const uint8_t *bytes,
                               uint64_t left);

/* Whether the payload of a record is what its type says: JOURNAL_MALFORMED
 * otherwise. Unknown types are sound. */
enum journal_fault journal_check(const struct journal_record *record,
                                 const uint8_t *payload);

/* The last bytes of a segment that is complete. `index` is the offset of the
 * batch with JOURNAL_BATCH_INDEX, where all others have ended; 0 where a writer
 * left it out, so that a damaged last batch cannot be told from the end. */
void journal_put_seal(uint8_t out[JOURNAL_SEAL], uint32_t seed, uint64_t id,
                      uint64_t index);
/* Whether the bytes are one. */
bool journal_get_seal(uint64_t *index, uint32_t seed, uint64_t id,
                      const uint8_t bytes[JOURNAL_SEAL]);

#endif
