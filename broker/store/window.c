/* SPDX-License-Identifier: MIT */
#include "broker/store/window.h"

#include <errno.h>
#include <stdlib.h>

static int window_grow(struct window *w, uint64_t length)
{
    uint8_t *more;
    if (length <= w->room)
        return 0;
    more = length > SIZE_MAX ? NULL : realloc(w->bytes, (size_t)length);
    if (!more)
        return ENOMEM;
    w->bytes = more;
    w->room = (size_t)length;
    return 0;
}

/* Fills it from `offset` on. */
static int window_load(struct window *w, struct shelf *shelf, uint32_t segment,
                       uint64_t offset, uint64_t length, uint64_t end)
{
    const struct disk *disk = &shelf->disk;
    int file;
    uint64_t want = length > w->chunk ? length : w->chunk;
    if (want > end - offset)
        want = end - offset;
    w->segment = 0;
    int error = window_grow(w, want);
    if (!error)
        error = shelf_file(shelf, segment, &file);
    if (!error)
        error = disk->ops->read(disk->folder, file, offset, w->bytes,
                                (size_t)want, &w->length);
    if (error)
        return error;
    w->segment = shelf->segments[segment].id;
    w->offset = offset;
    w->read += w->length;
    return 0;
}

const uint8_t *window_get(struct window *w, struct shelf *shelf,
                          uint32_t segment, uint64_t offset, uint64_t length,
                          uint64_t end, int *error)
{
    *error = 0;
    if (offset > end || length > end - offset)
        return NULL;
    if (w->segment != shelf->segments[segment].id || offset < w->offset ||
        offset + length > w->offset + w->length) {
        *error = window_load(w, shelf, segment, offset, length, end);
        if (*error || length > w->length)
            return NULL;
    }
    return w->bytes + (offset - w->offset);
}

void window_clear(struct window *w)
{
    free(w->bytes);
    *w = (struct window){0};
}
