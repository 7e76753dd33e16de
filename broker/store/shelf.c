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

int shelf_spares(const struct shelf *s)
{
    int count = 0;
    for (int i = 0; i < SHELF_SPARES; i++)
        count += s->has_spare[i];
    return count;
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
    return bytes + s->other_bytes +
           (uint64_t)shelf_spares(s) * s->segment_bytes;
}

/* Makes a file of `bytes`, opened, within the bounds. */
static int spare_new(struct shelf *s, int spare, uint64_t bytes, int *file)
{
    char name[JOURNAL_FILE_NAME];
    uint64_t free_bytes = 0;
    if (!s->is_opening && shelf_bytes(s) + bytes > s->limit_bytes)
        return ENOSPC;
    int error = s->disk.ops->free_bytes(s->disk.folder, &free_bytes);
    if (error)
        return error;
    if (free_bytes < bytes ||
        (!s->is_opening && free_bytes - bytes < s->free_bytes))
        return ENOSPC;
    journal_name_spare(name, (unsigned)spare);
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

/* A number from 0 on that has a spare or not; -1: there is none. */
static int spare_find(const struct shelf *s, bool has)
{
    for (int i = 0; i < SHELF_SPARES; i++)
        if (s->has_spare[i] == has)
            return i;
    return -1;
}

int shelf_make_spares(struct shelf *s, int count)
{
    while (shelf_spares(s) < count) {
        int file, spare = spare_find(s, false);
        int error = spare_new(s, spare, s->segment_bytes, &file);
        if (error)
            return error;
        s->has_spare[spare] = true;
        (void)s->disk.ops->close(s->disk.folder, file);
    }
    return 0;
}

static void spare_remove(struct shelf *s)
{
    char name[JOURNAL_FILE_NAME];
    int spare = spare_find(s, true);
    journal_name_spare(name, (unsigned)spare);
    s->has_spare[spare] = false;
    (void)s->disk.ops->remove(s->disk.folder, name);
}

int shelf_take(struct shelf *s, uint64_t bytes, int *spare, int *file)
{
    char name[JOURNAL_FILE_NAME];
    int error;
    *spare = bytes == s->segment_bytes ? spare_find(s, true) : -1;
    if (*spare >= 0) {
        journal_name_spare(name, (unsigned)*spare);
        error = s->disk.ops->open(s->disk.folder, name, false, file);
        s->has_spare[*spare] = error != 0;
        return error;
    }
    /* Spares are of no use for a file of another size: they make room for it as
     * far as they need not be kept. */
    do {
        if (shelf_spares(s) == SHELF_SPARES)
            spare_remove(s);
        *spare = spare_find(s, false);
        error = spare_new(s, *spare, bytes, file);
        if (error != ENOSPC || shelf_spares(s) <= s->keep)
            return error;
        spare_remove(s);
    } while (true);
}

void shelf_put_back(struct shelf *s, int spare, uint64_t bytes, int file)
{
    char name[JOURNAL_FILE_NAME];
    (void)s->disk.ops->close(s->disk.folder, file);
    if (bytes == s->segment_bytes) {
        s->has_spare[spare] = true;
        return;
    }
    journal_name_spare(name, (unsigned)spare);
    (void)s->disk.ops->remove(s->disk.folder, name);
}

void shelf_free(struct shelf *s, uint32_t segment)
{
    char from[JOURNAL_FILE_NAME], to[JOURNAL_FILE_NAME];
    struct segment *one = &s->segments[segment];
    int spare = one->bytes == s->segment_bytes ? spare_find(s, false) : -1;
    shelf_close(s, segment);
    journal_name_segment(from, one->id);
    one->id = 0;
    if (spare < 0 || shelf_bytes(s) + one->bytes > s->limit_bytes) {
        (void)s->disk.ops->remove(s->disk.folder, from);
        return;
    }
    journal_name_spare(to, (unsigned)spare);
    if (s->disk.ops->rename(s->disk.folder, from, to) == 0)
        s->has_spare[spare] = true;
}
