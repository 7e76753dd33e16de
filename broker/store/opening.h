/* SPDX-License-Identifier: MIT
 *
 * opening - finds out what a folder holds, and begins a new segment or a new
 * store there. contents.c reads what is in segments.
 */
#ifndef SLUICE_STORE_OPENING_H
#define SLUICE_STORE_OPENING_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/store/engine_parts.h"

/* A name in the folder that is a segment's. */
struct file_name {
    uint64_t id;
    uint64_t bytes;
    uint64_t freed_in; /* number of the batch that did; 0: none */
    bool is_tidy;      /* it has gone */
};

struct opening {
    struct engine *e;
    struct engine_report *report;
    struct file_name *files;
    uint32_t file_count;
    size_t file_room;
    bool has_format, has_other, is_short;
    uint32_t odd_spares;                /* bits: spares of another size */
    struct journal_segment_entry *live; /* that the newest one names */
    uint32_t live_count, live_room;
    uint32_t newest;      /* place on the shelf */
    bool is_closed;       /* its last data batch was flushed */
    uint64_t first_batch; /* its number */
    uint64_t before_end;  /* of its last but one batch; 0: there is none */
};

/* Reads what there is, or begins a store; see engine_open(). */
enum engine_result opening_run(struct engine *e, struct engine_report *report);

#endif
