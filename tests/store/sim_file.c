/* SPDX-License-Identifier: MIT */
#include "tests/store/sim_file.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/chance.h"

struct sim_sector {
    uint64_t number;
    uint8_t bytes[SIM_SECTOR];
};

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

void sim_file_clear(struct sim_file *f)
{
    free(f->live);
    free(f->durable);
    free(f->pending);
    *f = (struct sim_file){0};
}

static void *copy_of(const void *bytes, size_t n)
{
    return n == 0 ? NULL : memcpy(must(malloc(n)), bytes, n);
}

void sim_file_copy(struct sim_file *f, const struct sim_file *from)
{
    *f = *from;
    f->live = copy_of(from->live, (size_t)f->room);
    f->durable = copy_of(from->durable, (size_t)f->room);
    f->pending =
        copy_of(from->pending, (size_t)f->pendings * sizeof *f->pending);
    f->pending_room = f->pendings;
}

void sim_file_grow(struct sim_file *f, uint64_t bytes)
{
    size_t old = (size_t)f->room, room = (size_t)sim_file_room(bytes);
    if (room > old) {
        f->live = must(realloc(f->live, room));
        f->durable = must(realloc(f->durable, room));
        memset(f->live + old, 0, room - old);
        memset(f->durable + old, 0, room - old);
        f->room = room;
    }
    if (bytes > f->bytes)
        f->bytes = bytes;
}

/* Remembers the sectors from `offset` to `end` as they are now. */
static void note_sectors(struct sim_file *f, uint64_t offset, uint64_t end)
{
    for (uint64_t s = offset / SIM_SECTOR; s * SIM_SECTOR < end; s++) {
        if (f->pendings == f->pending_room) {
            f->pending_room = 2 * f->pending_room + 16;
            f->pending = must(realloc(f->pending, (size_t)f->pending_room *
                                                      sizeof *f->pending));
        }
        struct sim_sector *p = &f->pending[f->pendings++];
        p->number = s;
        memcpy(p->bytes, f->live + s * SIM_SECTOR, SIM_SECTOR);
    }
}

void sim_file_write(struct sim_file *f, uint64_t offset,
                    const struct iovec *pieces, int count, uint64_t most)
{
    uint64_t at = offset, end = offset;
    for (int i = 0; i < count; i++)
        end += pieces[i].iov_len;
    if (end - offset > most)
        end = offset + most;
    if (end == offset)
        return;
    sim_file_grow(f, end);
    for (int i = 0; i < count && at < end; i++) {
        uint64_t n = pieces[i].iov_len;
        n = n < end - at ? n : end - at;
        if (n > 0)
            memcpy(f->live + at, pieces[i].iov_base, (size_t)n);
        at += n;
    }
    note_sectors(f, offset, end);
}

size_t sim_file_read(const struct sim_file *f, uint64_t offset, void *into,
                     size_t length)
{
    uint64_t left = offset < f->bytes ? f->bytes - offset : 0;
    size_t got = length < left ? length : (size_t)left;
    if (got > 0)
        memcpy(into, f->live + offset, got);
    return got;
}

static void settle(struct sim_file *f, const struct sim_sector *p)
{
    memcpy(f->durable + p->number * SIM_SECTOR, p->bytes, SIM_SECTOR);
}

void sim_file_flush(struct sim_file *f)
{
    for (int i = 0; i < f->pendings; i++)
        settle(f, &f->pending[i]);
    f->pendings = 0;
    f->durable_bytes = f->bytes;
}

static void settle_some(struct sim_file *f, uint64_t *chance)
{
    for (int i = 0; i < f->pendings; i++)
        if (chance_of(chance, 2))
            settle(f, &f->pending[i]);
    f->pendings = 0;
}

void sim_file_flush_badly(struct sim_file *f, uint64_t *chance)
{
    settle_some(f, chance);
    if (chance_of(chance, 2))
        f->durable_bytes = f->bytes;
}

void sim_file_cut(struct sim_file *f, const struct sim_file *stale,
                  uint64_t *chance)
{
    uint64_t size = f->bytes, grown = f->bytes - f->durable_bytes;
    uint64_t from = sim_file_room(f->durable_bytes);
    if (stale && stale != f && from < f->room && from < stale->room) {
        uint64_t end = f->room < stale->room ? f->room : stale->room;
        memcpy(f->durable + from, stale->live + from, (size_t)(end - from));
    }
    settle_some(f, chance);
    if (grown > 0 && chance_of(chance, 2))
        size = f->durable_bytes + chance_of(chance, (uint32_t)grown + 1);
    if (size < f->room)
        memset(f->durable + size, 0, (size_t)(f->room - size));
    f->bytes = f->durable_bytes = size;
    if (f->room > 0)
        memcpy(f->live, f->durable, (size_t)f->room);
}
