/* SPDX-License-Identifier: MIT */
#include "client/source.h"

#include "client/lib/deadline.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct source_generator {
    struct source base;
    uint64_t made;
    uint64_t count; /* 0: without end */
    int64_t interval_ms;
    size_t size;   /* of text; 0: it is written again for each message */
    uint32_t self; /* a random number that identifies this sender */
    char text[];
};

enum { GENERATOR_TEXT_BYTES = 64 };

static enum source_result generator_next(struct source *source,
                                         struct sluice_bytes *message)
{
    struct source_generator *g = (struct source_generator *)source;
    if (g->count > 0 && g->made == g->count)
        return SOURCE_END;
    if (g->interval_ms > 0) {
        if (sluice_deadline_clock() < g->base.due_ms)
            return SOURCE_WAIT;
        g->base.due_ms += g->interval_ms;
    }
    size_t length = g->size;
    if (length == 0)
        length = (size_t)snprintf(g->text, GENERATOR_TEXT_BYTES,
                                  "Msg %" PRIu64 " from %08" PRIx32, g->made,
                                  g->self);
    g->made++;
    *message = (struct sluice_bytes){g->text, length};
    return SOURCE_MESSAGE;
}

static void generator_free(struct source *source)
{
    free(source);
}

static const struct source_type generator_type = {generator_next,
                                                  generator_free};

struct source *source_generator_new(uint64_t count, uint64_t interval_ms,
                                    size_t size)
{
    size_t room = size > 0 ? size : GENERATOR_TEXT_BYTES;
    struct source_generator *g = malloc(sizeof *g + room);
    if (!g)
        return NULL;
    *g = (struct source_generator){
        .base = {&generator_type, -1, sluice_deadline_clock(), NULL},
        .count = count,
        .interval_ms = (int64_t)interval_ms,
        .size = size};
    memset(g->text, 'X', size);
    if (getrandom(&g->self, sizeof g->self, GRND_NONBLOCK) < 0)
        g->self = (uint32_t)sluice_deadline_clock();
    return &g->base;
}
