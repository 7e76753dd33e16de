/* SPDX-License-Identifier: MIT
 *
 * unit_writer - hands what a client of version 2 is owed to its stream: the
 * rest of a unit that was begun, then answers, then the lanes in turn.
 */
#ifndef SLUICE_SESSION_UNITS_UNIT_WRITER_H
#define SLUICE_SESSION_UNITS_UNIT_WRITER_H

#include <stdint.h>

#include "broker/net/stream.h"

struct session;

/* Writes until nothing is owed (OK), the socket is full (AGAIN), or the
 * connection is broken. */
enum stream_status unit_writer_flush(struct session *s);

/* More than 0 while there is something that it would write. */
uint64_t unit_writer_owed_bytes(const struct session *s);

#endif
