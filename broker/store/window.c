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
static int window_load(struct window *w, uint32_t segment, uint64_t offset,
                       uint64_t length)
{
    const struct disk *disk = &w->shelf->disk;
    uint64_t most = w->shelf->segments[segment].readable - offset;
    uint64_t want = length > w->chunk ? length : w->chunk;
    int file;
    want = want < most ? want : most;
    w->segment = 0;
    int error = window_grow(w, want);
    if (!error)
        error = shelf_file(w->shelf, segment, &file);
    if (!error)
        error = disk->ops->read(disk->folder, file, offset, w->bytes,
                                (size_t)want, &w->length);
    if (error)
        return error;
    w->segment = w->shelf->segments[segment].id;
    w->offset = offset;
    w->read += w->length;
    return 0;
}

const uint8_t *window_get(struct window *w, uint32_t segment, uint64_t offset,
                          uint64_t length)
{
    const struct segment *from = &w->shelf->segments[segment];
    w->error = 0;
    if (offset > from->readable || length > from->readable - offset)
        return NULL;
    if (w->segment != from->id || offset < w->offset ||
        offset + length > w->offset + w->length) {
        w->error = window_load(w, segment, offset, length);
        if (w->error || length > w->length)
            return NULL;
    }
    return w->bytes + (offset - w->offset);
}

void window_clear(struct window *w)
{
    free(w->bytes);
    *w = (struct window){0};
}
