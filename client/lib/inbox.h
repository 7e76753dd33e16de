/* SPDX-License-Identifier: MIT
 *
 * inbox - bytes that arrived and were not taken yet. Messages are decoded where
 * the kernel put them; the last one taken is lent to the caller.
 *
 *     bytes        head            tail        capacity
 *       | taken      | to be taken   | free        |
 *
 * The lent message lies before head, or in an older buffer (`lent`) that had to
 * be replaced because more was read: lent bytes never move. The inbox knows no
 * state of the connection: the handle decides when to read.
 */
#ifndef SLUICE_CLIENT_LIB_INBOX_H
#define SLUICE_CLIENT_LIB_INBOX_H

#include "client/lib/wire.h"
#include "client/sluice.h"
#include "proto/frame.h"

#include <stdbool.h>
#include <sys/types.h>

struct sluice_inbox {
    uint8_t *bytes; /* NULL before the first read */
    uint8_t *lent;  /* buffer of the message lent out; NULL when none */
    size_t capacity;
    size_t head;
    size_t tail;
    uint32_t limit; /* bytes of the longest message */
    bool is_frugal; /* reads no byte of the message after the next one */
};

/* Empty, not frugal; `limit` is that of one message, in bytes. */
void sluice_inbox_init(struct sluice_inbox *in, uint32_t limit);
void sluice_inbox_fini(struct sluice_inbox *in);

/* The lent message is returned: its bytes are no longer needed. */
void sluice_inbox_give_back(struct sluice_inbox *in);

/* Decodes the next message and lends it to the caller when FRAME_OK. */
enum frame_status sluice_inbox_take(struct sluice_inbox *in,
                                    struct sluice_bytes *message);

/* One read: the number of bytes, 0 at end of file, -1 with errno. */
ssize_t sluice_inbox_fill(struct sluice_inbox *in, struct sluice_wire *from);

/* Bytes that wait to be taken. */
size_t sluice_inbox_waiting(const struct sluice_inbox *in);

#endif
