/* SPDX-License-Identifier: MIT
 *
 * transfer - between a handle and its socket: one read, one write, one wait.
 * No other file of the library waits for a connected socket.
 */
#ifndef SLUICE_CLIENT_LIB_TRANSFER_H
#define SLUICE_CLIENT_LIB_TRANSFER_H

#include "client/lib/deadline.h"
#include "client/lib/handle.h"

/* One read. SLUICE_OK: look at the inbox and the state again, one of them has
 * changed. SLUICE_AGAIN: nothing there. */
enum sluice_error sluice_transfer_read(struct sluice *s);

/* One write of the outbox and then of *body, which is shortened by the part
 * that was sent. SLUICE_OK: something was sent. SLUICE_AGAIN: the socket is
 * full. Else the connection is BROKEN. */
enum sluice_error sluice_transfer_write(struct sluice *s,
                                        struct sluice_bytes *body);

/* The same for the outbox alone; SLUICE_AGAIN also when it is empty. */
enum sluice_error sluice_transfer_flush(struct sluice *s);

/* Waits for any of `events` of poll(2). `late` is the failure's sentence when
 * the deadline comes first. */
enum sluice_error sluice_transfer_await(struct sluice *s, short events,
                                        sluice_deadline deadline,
                                        const char *late);

/* Waits until the socket may take bytes again, and keeps reading while it
 * waits: the broker may be waiting for us as well. */
enum sluice_error sluice_transfer_await_room(struct sluice *s,
                                             sluice_deadline deadline);

#endif
