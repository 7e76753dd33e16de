/* SPDX-License-Identifier: MIT
 *
 * batch - messages of one size to one channel, laid out once as they travel,
 * so that sending them again costs a stamp each and one write() for all:
 *
 *     | name frame | length | stamp | X X X ... | name frame | length | ...
 *     |<-------------- pair_bytes ------------->|
 *
 * In version 2 of the protocol the name is a head.
 */
#ifndef SLUICE_CLIENT_BENCH_BATCH_H
#define SLUICE_CLIENT_BENCH_BATCH_H

#include "client/bench/stamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct batch {
    uint8_t *bytes;
    size_t pair_bytes;
    size_t body_at; /* of the message in its pair */
    size_t room;    /* messages it has room for */
};

/* False without memory. `room` is at least 1. */
bool batch_init(struct batch *b, const char *name, uint32_t size, size_t room);
void batch_fini(struct batch *b);

/* How many such messages make about that many bytes; at least 1. */
size_t batch_room(const char *name, uint32_t size, size_t bytes);

/* Stamps the message at `index`; it must be long enough for that. */
static inline void batch_stamp(struct batch *b, size_t index,
                               const struct stamp *stamp)
{
    memcpy(b->bytes + index * b->pair_bytes + b->body_at, stamp, sizeof *stamp);
}

#endif
