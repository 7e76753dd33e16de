/* SPDX-License-Identifier: MIT
 *
 * slice - a stretch of a block: whole messages, one after another.
 */
#ifndef SLUICE_CORE_SLICE_H
#define SLUICE_CORE_SLICE_H

#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/core/block.h"

struct slice {
    struct block *block;
    uint32_t offset, length; /* bytes in the block */
    clock_ms at;             /* when its first message came */
    uint16_t messages;       /* a block has no room for more */
    uint64_t first;          /* number of the first message; the others follow
                                on, except in what consumers of a queue without
                                numbers hold */
};

/* The size in bytes of the message that begins there. Only the owner of the
 * core knows the wire format, and so where a message ends. */
typedef uint32_t message_size_fn(const uint8_t *message);

static inline const uint8_t *slice_bytes(const struct slice *s)
{
    return s->block->bytes + s->offset;
}

#endif
