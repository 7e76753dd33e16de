/* SPDX-License-Identifier: MIT */
#include "client/lib/outbox.h"

#include "proto/frame.h"

#include <stdlib.h>
#include <sys/uio.h>

bool sluice_outbox_init(struct sluice_outbox *out)
{
    *out = (struct sluice_outbox){.capacity = SLUICE_OUTBOX_BYTES};
    out->bytes = malloc(out->capacity);
    return out->bytes != NULL;
}

void sluice_outbox_fini(struct sluice_outbox *out)
{
    free(out->bytes);
    *out = (struct sluice_outbox){.bytes = NULL};
}

static void outbox_compact(struct sluice_outbox *out)
{
    size_t waiting = out->tail - out->head;
    memmove(out->bytes, out->bytes + out->head, waiting);
    out->head = 0;
    out->tail = waiting;
}

/* Room for `n` more bytes, in one piece at the tail. A rest above the usual
 * size (after a long message) counts as no room until it has been sent. */
static bool outbox_has_room(struct sluice_outbox *out, size_t n)
{
    if (n <= SLUICE_OUTBOX_BYTES && out->tail <= SLUICE_OUTBOX_BYTES - n)
        return true;
    size_t waiting = out->tail - out->head;
    if (waiting > SLUICE_OUTBOX_BYTES || n > SLUICE_OUTBOX_BYTES - waiting)
        return false;
    outbox_compact(out);
    return true;
}

static void outbox_put_frame(struct sluice_outbox *out,
                             struct sluice_bytes body)
{
    uint8_t *end =
        frame_put(out->bytes + out->tail, body.data, (uint32_t)body.length);
    out->tail = (size_t)(end - out->bytes);
}

bool sluice_outbox_put(struct sluice_outbox *out, struct sluice_bytes body)
{
    if (!outbox_has_room(out, FRAME_HEAD_BYTES + body.length))
        return false;
    outbox_put_frame(out, body);
    return true;
}

bool sluice_outbox_put_pair(struct sluice_outbox *out,
                            struct sluice_bytes channel,
                            struct sluice_bytes message)
{
    size_t size =
        (size_t)2 * FRAME_HEAD_BYTES + channel.length + message.length;
    if (!outbox_has_room(out, size))
        return false;
    outbox_put_frame(out, channel);
    outbox_put_frame(out, message);
    return true;
}

bool sluice_outbox_put_head(struct sluice_outbox *out,
                            struct sluice_bytes channel, size_t length)
{
    if (!outbox_has_room(out, (size_t)2 * FRAME_HEAD_BYTES + channel.length))
        return false;
    outbox_put_frame(out, channel);
    frame_put_length(out->bytes + out->tail, (uint32_t)length);
    out->tail += FRAME_HEAD_BYTES;
    return true;
}

bool sluice_outbox_append(struct sluice_outbox *out, struct sluice_bytes rest)
{
    if (rest.length == 0)
        return true;
    outbox_compact(out);
    if (out->capacity - out->tail < rest.length) {
        uint8_t *bytes = realloc(out->bytes, out->tail + rest.length);
        if (!bytes)
            return false;
        out->bytes = bytes;
        out->capacity = out->tail + rest.length;
    }
    memcpy(out->bytes + out->tail, rest.data, rest.length);
    out->tail += rest.length;
    return true;
}

/* Empty again: the memory of a long rest is given back. It does not matter if
 * realloc() fails: a buffer that stays large works as well. */
static void outbox_reset(struct sluice_outbox *out)
{
    out->head = out->tail = 0;
    if (out->capacity == SLUICE_OUTBOX_BYTES)
        return;
    uint8_t *bytes = realloc(out->bytes, SLUICE_OUTBOX_BYTES);
    if (!bytes)
        return;
    out->bytes = bytes;
    out->capacity = SLUICE_OUTBOX_BYTES;
}

/* An iovec is for reading and writing, so it cannot be const; here it is only
 * read. A union, because a cast would need a warning disabled. */
static void *outbox_unconst(const void *data)
{
    union {
        const void *in;
        void *out;
    } pointer = {.in = data};
    return pointer.out;
}

bool sluice_outbox_write(struct sluice_outbox *out, struct sluice_wire *to,
                         struct sluice_bytes *body)
{
    size_t waiting = out->tail - out->head;
    struct iovec parts[2] = {
        {.iov_base = out->bytes + out->head, .iov_len = waiting},
        {.iov_base = outbox_unconst(body->data), .iov_len = body->length},
    };
    ssize_t n = sluice_wire_write(to, parts, 2);
    if (n < 0)
        return false;
    size_t sent = (size_t)n;
    if (sent < waiting) {
        out->head += sent;
        return true;
    }
    outbox_reset(out);
    sent -= waiting;
    if (sent > 0)
        body->data = (const uint8_t *)body->data + sent;
    body->length -= sent;
    return true;
}
