/* SPDX-License-Identifier: MIT */
#include "client/lib/inbox.h"

#include <errno.h>
#include <stdlib.h>

enum {
    INBOX_BASE_BYTES = 256 << 10, /* the first buffer: one read's worth */
    INBOX_KEEP_BYTES = 1 << 20,   /* an empty one above this is freed */
    INBOX_MOVE_BYTES = 4 << 10,   /* less than this is always worth moving */
};

void sluice_inbox_init(struct sluice_inbox *in, uint32_t limit)
{
    *in = (struct sluice_inbox){.limit = limit};
}

void sluice_inbox_fini(struct sluice_inbox *in)
{
    sluice_inbox_give_back(in);
    free(in->bytes);
    sluice_inbox_init(in, in->limit);
}

void sluice_inbox_give_back(struct sluice_inbox *in)
{
    if (in->lent != in->bytes)
        free(in->lent);
    in->lent = NULL;
    if (in->head < in->tail)
        return;
    in->head = in->tail = 0;
    if (in->capacity > INBOX_KEEP_BYTES) {
        free(in->bytes);
        in->bytes = NULL;
        in->capacity = 0;
    }
}

size_t sluice_inbox_waiting(const struct sluice_inbox *in)
{
    return in->tail - in->head;
}

enum frame_status sluice_inbox_take(struct sluice_inbox *in,
                                    struct sluice_bytes *message)
{
    if (in->head == in->tail)
        return FRAME_MORE;
    struct frame frame;
    enum frame_status status = frame_decode(
        in->bytes + in->head, in->tail - in->head, in->limit, &frame);
    if (status != FRAME_OK)
        return status;
    *message = (struct sluice_bytes){frame.body, frame.length};
    in->head += frame_size(frame.length);
    in->lent = in->bytes;
    return FRAME_OK;
}

/* Moves the bytes that wait to the front, when that is cheap or frees at least
 * as much as it moves: a reader that takes one message at a time out of
 * megabytes must not move the megabytes each time. */
static void inbox_compact(struct sluice_inbox *in)
{
    size_t waiting = sluice_inbox_waiting(in);
    bool is_cheap = waiting <= INBOX_MOVE_BYTES;
    bool is_worth_it = in->tail == in->capacity && in->head >= waiting;
    if (in->head == 0 || !(is_cheap || is_worth_it))
        return;
    memmove(in->bytes, in->bytes + in->head, waiting);
    in->head = 0;
    in->tail = waiting;
}

static bool inbox_grow(struct sluice_inbox *in)
{
    size_t capacity = in->capacity ? in->capacity * 2 : INBOX_BASE_BYTES;
    uint8_t *bytes = realloc(in->bytes, capacity);
    if (!bytes)
        return false;
    in->bytes = bytes;
    in->capacity = capacity;
    return true;
}

/* The message in this buffer is lent: the bytes still to be taken move to a new
 * one, and the old one stays until the message is returned. */
static bool inbox_leave_lent(struct sluice_inbox *in)
{
    size_t waiting = sluice_inbox_waiting(in);
    size_t capacity = INBOX_BASE_BYTES;
    while (capacity < 2 * waiting) /* so that this is not needed again soon */
        capacity *= 2;
    uint8_t *bytes = malloc(capacity);
    if (!bytes)
        return false;
    if (waiting > 0)
        memcpy(bytes, in->bytes + in->head, waiting);
    in->bytes = bytes;
    in->capacity = capacity;
    in->head = 0;
    in->tail = waiting;
    return true;
}

/* Capacity doubles only when full: it follows the bytes that arrived, not the
 * length that a frame claims. */
static bool inbox_make_room(struct sluice_inbox *in)
{
    if (in->lent && in->lent == in->bytes)
        return in->tail < in->capacity || inbox_leave_lent(in);
    inbox_compact(in);
    return in->tail < in->capacity || inbox_grow(in);
}

/* How many bytes the frame that has begun to arrive lacks, as far as is known;
 * its length comes first. */
static size_t inbox_lacks(const struct sluice_inbox *in)
{
    size_t at = in->head;
    struct frame frame;
    while (frame_decode(in->bytes + at, in->tail - at, in->limit, &frame) ==
           FRAME_OK)
        at += frame_size(frame.length);
    size_t there = in->tail - at;
    if (there < FRAME_HEAD_BYTES)
        return FRAME_HEAD_BYTES - there;
    return frame_size(frame_get_length(in->bytes + at)) - there;
}

ssize_t sluice_inbox_fill(struct sluice_inbox *in, struct sluice_wire *from)
{
    if (!inbox_make_room(in)) {
        errno = ENOMEM;
        return -1;
    }
    size_t room = in->capacity - in->tail;
    size_t lacks = in->is_frugal ? inbox_lacks(in) : room;
    ssize_t n = sluice_wire_read(from, in->bytes + in->tail,
                                 lacks < room ? lacks : room);
    if (n > 0)
        in->tail += (size_t)n;
    return n;
}
