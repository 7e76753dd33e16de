/* SPDX-License-Identifier: MIT
 *
 * reader - reads one client: its input goes through the shared buffer, or
 * straight into a large message, to the decoder of its protocol; an incomplete
 * message is kept.
 */
#ifndef SLUICE_SESSION_READER_H
#define SLUICE_SESSION_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/session/verdict.h"

struct session;

enum {
    READER_MAX_BYTES = 256 << 10,  /* per read of one connection */
    READER_FIRST_BYTES = 16 << 10, /* the same, of a new connection */
    READER_SHORT_BYTES = 4 << 10,  /* the same, when memory is short */
    READER_SCARCE_BYTES = 512,     /* the same, when both, or exhausted */
};

/* Reads once and processes complete messages; only those that were kept unread,
 * if there are any. *got is the number of these bytes, or of those read.
 * If it is not 0 and the verdict is GO_ON, reader_next is due. A beginning that
 * there is no room for (admission.h) is left in the kernel: if it is small, the
 * verdict is LEAVE. */
struct verdict reader_read(struct session *s, size_t *got);

/* The same for a session that is PAUSED and stays so; no reader_next, and never
 * LEAVE. */
struct verdict reader_sip(struct session *s);

/* Whether there is room for the beginning of a message from this session: one
 * that waits for memory without having begun it may be read again. */
bool reader_may_begin(const struct session *s);

/* Decides whether a session that was read must wait for a gate or for memory.
 * Also begins the wait for the rest of a message. */
struct verdict reader_next(struct session *s);

/* Bounds the wait for the rest of a message that has been started, be it only
 * its name. A client may take as long as it likes between messages, but not
 * within. */
void reader_watch(struct session *s);

/* The same for the rest of a record of TLS, when a read has brought nothing. */
void reader_watch_part(struct session *s);

/* HELLO: it is known now who the client is. Takes what has come behind its
 * opening, which may be nothing. */
struct verdict reader_go_on(struct session *s);

#endif
