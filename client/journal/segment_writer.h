/* SPDX-License-Identifier: MIT
 *
 * segment_writer - writes a segment into a new file, of whatever size it
 * needs, and seals it.
 */
#ifndef SLUICE_CLIENT_JOURNAL_SEGMENT_WRITER_H
#define SLUICE_CLIENT_JOURNAL_SEGMENT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/journal.h"

struct segment_writer {
    int fd; /* borrowed */
    struct journal_segment segment;
    uint32_t seed;
    uint64_t at, batch; /* offset and number of the next one */
    uint64_t at_ms;     /* since 1970 */
    uint8_t *buffer;    /* the batch: its header, then records */
    size_t used, room;
    uint32_t records;
    uint32_t checksum; /* of their headers */
    bool has_failed;   /* errno */
};

/* Begins with the id, uuid, first batch and salt of `segment`, in the empty
 * file `fd`. Later calls do nothing once one has failed. */
void segment_writer_begin(struct segment_writer *w, int fd,
                          const struct journal_segment *segment,
                          uint64_t at_ms);

/* Adds a record; its checksum is computed. */
void segment_writer_add(struct segment_writer *w, struct journal_record record,
                        const uint8_t *payload);

/* Whether another record of so many bytes belongs into the next batch. */
bool segment_writer_is_full(const struct segment_writer *w, uint64_t bytes);

/* Writes what was added as a batch, unless there is nothing. */
void segment_writer_commit(struct segment_writer *w, uint32_t flags);

/* Writes the last batch, which has no INDEX but `numbers`, the seal and the
 * header, and flushes. False, with errno, when that or something before it has
 * failed. Frees the buffer. */
bool segment_writer_end(struct segment_writer *w,
                        const struct journal_numbers *numbers);

/* Adds a record of NUMBERS. */
void segment_writer_add_numbers(struct segment_writer *w,
                                const struct journal_numbers *numbers);

#endif
