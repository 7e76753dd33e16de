/* SPDX-License-Identifier: MIT
 *
 * journal_entry - what the records of a journal hold: entries back to back,
 * each a multiple of 8 bytes, and messages. A record is checked as a whole by
 * journal_check(); the functions that read single entries rely on it.
 */
#ifndef SLUICE_PROTO_JOURNAL_ENTRY_H
#define SLUICE_PROTO_JOURNAL_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "proto/journal.h"

enum {
    JOURNAL_RANGE = 16, /* bytes of an entry each */
    JOURNAL_SEGMENT_ENTRY = 24,
    JOURNAL_CHANNEL_ENTRY = 32, /* without name and ranges */
    JOURNAL_FREE_ENTRY = 8,
    JOURNAL_INDEX_ENTRY = 32,
    JOURNAL_NUMBERS_ENTRY = 16,
    JOURNAL_NAME_MAX = 255,
};

/* Numbers first, first + 1, ...; in ACKS and in CHANNEL, rising and apart. */
struct journal_range {
    uint64_t first;
    uint32_t count; /* at least 1 */
};

/* Writes an entry; the same for the others below. */
void journal_put_range(uint8_t out[JOURNAL_RANGE],
                       const struct journal_range *range);
/* The entry at the front; the same for the others below. */
struct journal_range journal_get_range(const uint8_t *entry);

enum journal_kind {
    JOURNAL_QUEUE = 1,
    JOURNAL_TOPIC = 2,
};

/* A channel as it stands when a segment begins, or when it is new. */
struct journal_channel {
    uint64_t next;  /* number of its next message */
    uint64_t floor; /* all numbers below it are done */
    uint32_t id;    /* from 1 */
    uint32_t ranges;
    uint8_t kind;
    uint16_t name_bytes; /* 1 to JOURNAL_NAME_MAX */
    const uint8_t *name;
    const uint8_t *range_entries; /* done, above the floor; set by get */
};

/* Bytes of the whole entry. */
size_t journal_channel_bytes(const struct journal_channel *channel);
/* Writes all but the ranges, whose place is returned. */
uint8_t *journal_put_channel(uint8_t *out,
                             const struct journal_channel *channel);
/* Reads an entry, which `channel` points into, and returns its end. */
const uint8_t *journal_get_channel(struct journal_channel *channel,
                                   const uint8_t *entry);

/* A segment that lives, in STATE. What lies behind its last batch does not
 * count: an INDEX, a batch that was torn, or one that opening has written again
 * elsewhere. */
struct journal_segment_entry {
    uint64_t id;
    uint64_t last_batch; /* number of its last batch, INDEX apart */
    uint64_t end;        /* offset behind that batch and its zeros */
};

/* As with ranges. */
void journal_put_segment_entry(uint8_t out[JOURNAL_SEGMENT_ENTRY],
                               const struct journal_segment_entry *segment);
/* As with ranges. */
struct journal_segment_entry journal_get_segment_entry(const uint8_t *entry);

/* The place of a record of messages, in INDEX. */
struct journal_index_entry {
    uint64_t first; /* number */
    uint32_t channel;
    uint32_t count;
    uint64_t offset; /* of the record in its file; a multiple of 8, at most
                        32 GiB */
    uint32_t bytes;  /* of the payload */
    uint8_t form;
    uint8_t flags;
    uint32_t checksum; /* of the payload */
};

enum { JOURNAL_INDEX_OFFSET_BITS = 35 };

/* As with ranges; `offset` is a multiple of 8. */
void journal_put_index_entry(uint8_t out[JOURNAL_INDEX_ENTRY],
                             const struct journal_index_entry *index);
/* As with ranges. */
struct journal_index_entry journal_get_index_entry(const uint8_t *entry);

/* Where new channels begin. */
struct journal_numbers {
    uint64_t above;        /* no channel has had a higher number */
    uint32_t next_channel; /* id */
};

/* As with ranges. */
void journal_put_numbers(uint8_t out[JOURNAL_NUMBERS_ENTRY],
                         const struct journal_numbers *numbers);
/* As with ranges. */
struct journal_numbers journal_get_numbers(const uint8_t *entry);

/* The length of the message at the front of `left` bytes in this form; 0 when
 * they do not hold a whole one. */
uint64_t journal_message_bytes(enum journal_form form, const uint8_t *bytes,
                               uint64_t left);

/* Whether the payload of a record is what its type says: JOURNAL_MALFORMED
 * otherwise. Unknown types are sound. */
enum journal_fault journal_check(const struct journal_record *record,
                                 const uint8_t *payload);

#endif
