/* SPDX-License-Identifier: MIT
 *
 * reader - reads one client: what it sent goes through the shared buffer, or
 * straight into a large message, to the decoder of its protocol; what is not
 * complete is kept.
 */
#ifndef SLUICE_SESSION_READER_H
#define SLUICE_SESSION_READER_H

#include <stddef.h>

#include "broker/session/verdict.h"

struct session;

enum {
    READER_MAX_BYTES = 256 << 10,  /* read from one connection at once */
    READER_FIRST_BYTES = 16 << 10, /* the same, of one that is new */
    READER_SHORT_BYTES = 4 << 10,  /* the same, when memory is short */
    READER_SCARCE_BYTES = 512,     /* the same, when both; or exhausted */
};

/* Reads once and takes what is complete. *got is how many bytes came. When
 * that is not 0 and it goes on, reader_next is due. */
struct verdict reader_read(struct session *s, size_t *got);

/* The same for a session that is PAUSED and stays so; no reader_next. */
struct verdict reader_sip(struct session *s);

/* What a session that was read waits for: a gate, or memory. Also begins the
 * wait for the rest of a frame. */
struct verdict reader_next(struct session *s);

/* Bounds the wait for the rest of a frame that has been started. A client may
 * take as long as it likes between frames, but not within. */
void reader_watch(struct session *s);

#endif
