/* SPDX-License-Identifier: MIT
 *
 * intake - reads one client: what it sent goes through the shared buffer, or
 * straight into a large message, to the decoder; what is not complete stays
 * in the inbox.
 */
#ifndef SLUICE_SESSION_INTAKE_H
#define SLUICE_SESSION_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

struct session;

/* True while the session is one that is read for what it publishes. */
bool intake_is_open(const struct session *s);

/* Reads once and works it off, which may end, pause or settle. Returns how
 * many bytes came. */
size_t intake_read(struct session *s);

/* Reads once from a session that is PAUSED and stays so, unless what it sent
 * ends it. */
void intake_sip(struct session *s);

/* Reads what the kernel holds now: what it has taken counts as sent. Stops at
 * a channel that is full. */
void intake_read_rest(struct session *s);

/* Bounds the wait for the rest of a frame that has been started. A client may
 * take as long as it likes between frames, but not within. */
void intake_watch(struct session *s);

#endif
