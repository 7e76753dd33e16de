/* SPDX-License-Identifier: MIT
 *
 * contents - what is in the segments of a store that is opened. Each is on the
 * shelf from the listing of the folder on, by rising ids, and counts as freed
 * until the newest one names it.
 */
#ifndef SLUICE_STORE_CONTENTS_H
#define SLUICE_STORE_CONTENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/store/engine_parts.h"

struct opening {
    struct engine *e;
    struct engine_report *report;
    bool has_format, has_other, is_short;
    uint64_t spares[SHELF_SPARES]; /* their sizes; 0: there is none */
    uint32_t newest;               /* place on the shelf */
    bool is_closed;                /* its last batch was flushed */
    uint64_t again; /* offset of its last batch, when that may not have
                       been; 0: it is STATE */
};

/* The segment with an id, which is put on the shelf unless it is there; NULL
 * without memory. */
struct segment *contents_segment(struct opening *o, uint64_t id);

/* A call failed, `what` being what it was for, or there is no memory. False, as
 * those below when the report says why. */
bool contents_error(struct opening *o, int error, const char *what);

/* Reads the newest segment: what there is and what is done. */
bool contents_newest(struct opening *o);

/* Finds the messages in all segments. Those that the newest one names are
 * there. */
bool contents_messages(struct opening *o);

#endif
