/* SPDX-License-Identifier: MIT */
#include "broker/store/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* How many bytes it has from `offset` of the segment on. */
static size_t window_has(const struct window *w, uint64_t segment,
                         uint64_t offset)
{
    bool is_inside = w->segment == segment && offset >= w->offset &&
                     offset < w->offset + w->length;
    return is_inside ? (size_t)(w->offset + w->length - offset) : 0;
}

/* Fills it from `offset` on. What it has of that is kept: records that follow
 * one another are read once, wherever they begin. */
static int window_load(struct window *w, uint32_t segment, uint64_t offset,
                       uint64_t length)
{
    uint64_t id = w->shelf->segments[segment].id;
    uint64_t most = w->shelf->segments[segment].readable - offset;
    uint64_t want = length > w->chunk ? length : w->chunk;
    size_t kept = window_has(w, id, offset), more;
    want = want < most ? want : most;
    w->segment = 0;
    int error = window_grow(w, want);
    if (error)
        return error;
    if (kept > 0)
        memmove(w->bytes, w->bytes + (offset - w->offset), kept);
    error = shelf_read(w->shelf, segment, offset + kept, w->bytes + kept,
                       (size_t)want - kept, &more);
    if (error)
        return error;
    w->segment = id;
    w->offset = offset;
    w->length = kept + more;
    w->read += more;
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

static const uint8_t *reader_get(void *source, uint64_t offset, uint64_t length)
{
    struct window *w = source;
    return window_get(w, w->reading, offset, length);
}

struct journal_reader window_reader(struct window *w, uint32_t segment)
{
    const struct segment *from = &w->shelf->segments[segment];
    w->reading = segment;
    return (struct journal_reader){.get = reader_get,
                                   .source = w,
                                   .limit = from->readable,
                                   .seed = from->seed};
}

void window_clear(struct window *w)
{
    free(w->bytes);
    *w = (struct window){0};
}
