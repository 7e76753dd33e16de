/* SPDX-License-Identifier: MIT
 *
 * outbox - frames on their way to the socket. Small messages are collected and
 * leave together; the body of a long one leaves from where its owner has it.
 *
 *     bytes        head            tail        capacity
 *       | sent       | to be sent    | free        |
 *
 * It never holds more than SLUICE_OUTBOX_BYTES and, after a long message could
 * not be sent at once, that message's rest.
 */
#ifndef SLUICE_CLIENT_LIB_OUTBOX_H
#define SLUICE_CLIENT_LIB_OUTBOX_H

#include "client/lib/wire.h"
#include "client/sluice.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
    SLUICE_OUTBOX_BYTES = 256 << 10,
    SLUICE_OUTBOX_LONG = 32 << 10, /* a body that is not worth copying */
};

struct sluice_outbox {
    uint8_t *bytes; /* NULL before the first frame */
    size_t capacity;
    size_t head;
    size_t tail;
};

/* False without memory; then nothing needs fini. */
bool sluice_outbox_init(struct sluice_outbox *out);
void sluice_outbox_fini(struct sluice_outbox *out);

/* Appends one frame; false when there is no room for it. */
bool sluice_outbox_put(struct sluice_outbox *out, struct sluice_bytes body);

/* Appends a channel's frame and a message's, or neither: false. */
bool sluice_outbox_put_pair(struct sluice_outbox *out,
                            struct sluice_bytes channel,
                            struct sluice_bytes message);

/* Appends a channel's frame and the head of a message's, or neither: false.
 * The body must follow, by write or append. */
bool sluice_outbox_put_head(struct sluice_outbox *out,
                            struct sluice_bytes channel, size_t length);

/* Appends any number of bytes; false only without memory. */
bool sluice_outbox_append(struct sluice_outbox *out, struct sluice_bytes rest);

/* One write of the collected bytes and then of *body, which is shortened by
 * the part that was sent. False with errno when nothing could be sent. */
bool sluice_outbox_write(struct sluice_outbox *out, struct sluice_wire *to,
                         struct sluice_bytes *body);

static inline bool sluice_outbox_is_empty(const struct sluice_outbox *out)
{
    return out->head == out->tail;
}

#endif
