/* SPDX-License-Identifier: MIT */
#include "client/bench/batch.h"

#include "proto/frame.h"

#include <stdlib.h>

static size_t batch_head(const char *name)
{
    return frame_size((uint32_t)strlen(name)) + FRAME_HEAD_BYTES;
}

size_t batch_room(const char *name, uint32_t size, size_t bytes)
{
    size_t room = bytes / (batch_head(name) + size);
    return room > 0 ? room : 1;
}

bool batch_init(struct batch *b, const char *name, uint32_t size, size_t room)
{
    size_t head = batch_head(name);
    *b = (struct batch){
        .pair_bytes = head + size, .body_at = head, .room = room};
    b->bytes = malloc(room * b->pair_bytes);
    if (!b->bytes)
        return false;
    memset(b->bytes, 'X', room * b->pair_bytes);
    for (size_t i = 0; i < room; i++) {
        uint8_t *pair = b->bytes + i * b->pair_bytes;
        pair = frame_put(pair, name, (uint32_t)strlen(name));
        frame_put_length(pair, size);
    }
    return true;
}

void batch_fini(struct batch *b)
{
    free(b->bytes);
    b->bytes = NULL;
}
