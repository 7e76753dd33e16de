/* SPDX-License-Identifier: MIT */
#include "broker/net/cells.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    CELL_BYTES = 32,        /* what libevent keeps of a descriptor fits */
    CHUNK_BYTES = 64 << 10, /* got from the system at once, and kept */
    CHUNKS_MAX = 4096,      /* room for all descriptors there can be */
};

struct cell {
    struct cell *next;
};

/* Libevent's functions take no argument for it, so this is the one place with
 * state of its own. One thread uses libevent; a second one would need a lock
 * here. */
static struct {
    struct cell *free;
    uint8_t *chunks[CHUNKS_MAX];
    size_t chunk_count;
} cells;

static bool is_cell(const void *p)
{
    for (size_t i = cells.chunk_count; i-- > 0;)
        if ((const uint8_t *)p >= cells.chunks[i] &&
            (const uint8_t *)p < cells.chunks[i] + CHUNK_BYTES)
            return true;
    return false;
}

static bool cells_add_chunk(void)
{
    if (cells.chunk_count == CHUNKS_MAX)
        return false;
    uint8_t *chunk = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED)
        return false;
    cells.chunks[cells.chunk_count++] = chunk;
    for (size_t at = CHUNK_BYTES; at > 0; at -= CELL_BYTES) {
        struct cell *cell = (struct cell *)(void *)(chunk + at - CELL_BYTES);
        cell->next = cells.free;
        cells.free = cell;
    }
    return true;
}

static void *cell_alloc(size_t bytes)
{
    if (bytes > CELL_BYTES || (!cells.free && !cells_add_chunk()))
        return malloc(bytes);
    struct cell *cell = cells.free;
    cells.free = cell->next;
    return cell;
}

static void cell_free(void *p)
{
    if (!is_cell(p)) {
        free(p);
        return;
    }
    struct cell *cell = p;
    cell->next = cells.free;
    cells.free = cell;
}

static void *cell_realloc(void *p, size_t bytes)
{
    if (!p)
        return cell_alloc(bytes);
    if (!is_cell(p))
        return realloc(p, bytes);
    if (bytes <= CELL_BYTES)
        return p;
    void *larger = malloc(bytes);
    if (!larger)
        return NULL;
    memcpy(larger, p, CELL_BYTES);
    cell_free(p);
    return larger;
}

void cells_init(void)
{
    event_set_mem_functions(cell_alloc, cell_realloc, cell_free);
}
