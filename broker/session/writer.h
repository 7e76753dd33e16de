/* SPDX-License-Identifier: MIT
 *
 * writer - hands a client's outbox to its stream.
 */
#ifndef SLUICE_SESSION_WRITER_H
#define SLUICE_SESSION_WRITER_H

#include "broker/net/stream.h"

struct session;

enum { WRITER_IOV_MAX = 1024 }; /* IOV_MAX of Linux */

/* Writes until the outbox is empty (OK), the socket is full (AGAIN), or the
 * connection is broken. */
enum stream_status writer_flush(struct session *s);

/* Nothing more is written. What the kernel has got meanwhile counts as sent,
 * and the rest of the outbox will not reach the client. */
void writer_end(struct session *s);

#endif
