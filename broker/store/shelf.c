/* SPDX-License-Identifier: MIT */
#include "broker/store/shelf.h"

#include <errno.h>
#include <stdlib.h>

#include "common/vector.h"
#include "proto/journal_names.h"

static void segment_close(struct shelf *s, struct segment *segment)
{
    if (segment->file >= 0)
        (void)s->disk.ops->close(s->disk.folder, segment->file);
    segment->file = -1;
}

void shelf_clear(struct shelf *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        segment_close(s, &s->segments[i]);
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

/* Closes the file that was not read for the longest time, if there are too
 * many. The newest segment is opened by its writer and is not counted. */
static void shelf_close_one(struct shelf *s)
{
    struct segment *oldest = NULL;
    int open = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        struct segment *segment = &s->segments[i];
        if (segment->file < 0 || segment->read_at == 0)
            continue;
        open++;
        if (!oldest || segment->read_at < oldest->read_at)
            oldest = segment;
    }
    if (open >= SHELF_OPEN)
        segment_close(s, oldest);
}

int shelf_file(struct shelf *s, uint32_t segment, int *file)
{
    struct segment *one = &s->segments[segment];
    int error = 0;
    if (one->file < 0) {
        char name[JOURNAL_FILE_NAME];
        shelf_close_one(s);
        journal_name_segment(name, one->id);
        error = s->disk.ops->open(s->disk.folder, name, false, &one->file);
        if (error)
            one->file = -1;
        one->read_at = ++s->reads;
    } else if (one->read_at != 0) {
        one->read_at = ++s->reads;
    }
    *file = one->file;
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
    segment_close(s, one);
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
