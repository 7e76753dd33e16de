/* SPDX-License-Identifier: MIT */
#include "broker/store/shelf.h"

#include <errno.h>
#include <stdlib.h>

#include "common/vector.h"
#include "proto/journal_names.h"

void shelf_close(struct shelf *s, uint32_t at)
{
    struct segment *segment = &s->segments[at];
    if (segment->file >= 0)
        (void)s->disk.ops->close(s->disk.folder, segment->file);
    segment->file = -1;
}

void shelf_clear(struct shelf *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        shelf_close(s, i);
    free(s->segments);
    s->segments = NULL;
    s->count = 0;
    s->room = 0;
}

uint32_t shelf_place(struct shelf *s)
{
    uint32_t at = 0;
    while (at < s->count && s->segments[at].id != 0)
        at++;
    struct segment *more = vector_grow(s->segments, &s->room, at, sizeof *more);
    if (!more)
        return UINT32_MAX;
    s->segments = more;
    if (at == s->count)
        s->count++;
    s->segments[at] = (struct segment){.file = -1};
    return at;
}

int shelf_read(struct shelf *s, uint32_t segment, uint64_t offset, void *into,
               size_t length, size_t *got)
{
    const struct segment *one = &s->segments[segment];
    const struct disk *disk = &s->disk;
    char name[JOURNAL_FILE_NAME];
    int file = one->file, error;
    if (file >= 0)
        return disk->ops->read(disk->folder, file, offset, into, length, got);
    journal_name_segment(name, one->id);
    error = disk->ops->open(disk->folder, name, false, &file);
    if (error)
        return error;
    error = disk->ops->read(disk->folder, file, offset, into, length, got);
    (void)disk->ops->close(disk->folder, file);
    return error;
}

uint32_t shelf_sum(const struct shelf *s, uint64_t *bytes, uint64_t *live)
{
    uint32_t count = 0;
    *bytes = *live = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->segments[i].id == 0)
            continue;
        count++;
        *bytes += s->segments[i].bytes;
        *live += s->segments[i].live;
    }
    return count;
}

uint64_t shelf_bytes(const struct shelf *s)
{
    uint64_t bytes, live;
    (void)shelf_sum(s, &bytes, &live);
    return bytes + s->other_bytes + (uint64_t)s->spares * s->segment_bytes;
}

static uint64_t less(uint64_t bytes, uint64_t by)
{
    return bytes > by ? bytes - by : 0;
}

/* How large a further file could be; an error of the disk. */
static int space_of(const struct shelf *s, uint64_t *bytes)
{
    uint64_t limit = less(s->limit_bytes, shelf_bytes(s));
    int error = s->disk.ops->free_bytes(s->disk.folder, bytes);
    if (error || s->is_opening)
        return error;
    *bytes = less(*bytes, s->free_bytes);
    if (*bytes > limit)
        *bytes = limit;
    return 0;
}

uint64_t shelf_space(const struct shelf *s)
{
    uint64_t bytes = 0;
    return space_of(s, &bytes) ? 0 : bytes;
}

/* Makes a file of `bytes`, opened, within the bounds. */
static int spare_new(struct shelf *s, uint64_t bytes, int *file)
{
    char name[JOURNAL_FILE_NAME];
    uint64_t space = 0;
    int error = space_of(s, &space);
    if (error)
        return error;
    if (space < bytes)
        return ENOSPC;
    journal_name_spare(name, (unsigned)s->spares);
    error = s->disk.ops->open(s->disk.folder, name, true, file);
    if (error)
        return error;
    error = s->disk.ops->allocate(s->disk.folder, *file, bytes);
    if (error) {
        (void)s->disk.ops->close(s->disk.folder, *file);
        (void)s->disk.ops->remove(s->disk.folder, name);
    }
    return error;
}

int shelf_make_spares(struct shelf *s, int count)
{
    while (s->spares < count) {
        int file;
        int error = spare_new(s, s->segment_bytes, &file);
        if (error)
            return error;
        s->spares++;
        (void)s->disk.ops->close(s->disk.folder, file);
    }
    return 0;
}

/* Removes the file that has the name of the next spare. */
static void spare_remove(struct shelf *s)
{
    char name[JOURNAL_FILE_NAME];
    journal_name_spare(name, (unsigned)s->spares);
    (void)s->disk.ops->remove(s->disk.folder, name);
}

int shelf_take(struct shelf *s, uint64_t bytes, int keep, int *file)
{
    char name[JOURNAL_FILE_NAME];
    int error;
    if (bytes == s->segment_bytes && s->spares > 0) {
        journal_name_spare(name, (unsigned)--s->spares);
        error = s->disk.ops->open(s->disk.folder, name, false, file);
        s->spares += error != 0;
        return error;
    }
    /* There is no name for a further one. */
    if (s->spares == SHELF_SPARES) {
        s->spares--;
        spare_remove(s);
    }
    while ((error = spare_new(s, bytes, file)) == ENOSPC && s->spares > keep) {
        s->spares--;
        spare_remove(s);
    }
    return error;
}

void shelf_put_back(struct shelf *s, uint64_t bytes, int file)
{
    (void)s->disk.ops->close(s->disk.folder, file);
    if (bytes == s->segment_bytes)
        s->spares++;
    else
        spare_remove(s);
}

void shelf_free(struct shelf *s, uint32_t segment)
{
    char from[JOURNAL_FILE_NAME], to[JOURNAL_FILE_NAME];
    struct segment *one = &s->segments[segment];
    shelf_close(s, segment);
    journal_name_segment(from, one->id);
    one->id = 0;
    if (one->bytes != s->segment_bytes || s->spares == SHELF_SPARES ||
        shelf_bytes(s) + one->bytes > s->limit_bytes) {
        (void)s->disk.ops->remove(s->disk.folder, from);
        return;
    }
    journal_name_spare(to, (unsigned)s->spares);
    if (s->disk.ops->rename(s->disk.folder, from, to) == 0)
        s->spares++;
}
