/* SPDX-License-Identifier: MIT
 *
 * unit_writer - hands what a client of version 2 is owed to its stream: answers
 * first.
 */
#ifndef SLUICE_SESSION_UNITS_UNIT_WRITER_H
#define SLUICE_SESSION_UNITS_UNIT_WRITER_H

#include <stdint.h>

#include "broker/net/stream.h"

struct session;

/* Writes until nothing is owed (OK), the socket is full (AGAIN), or the
 * connection is broken. */
enum stream_status unit_writer_flush(struct session *s);

/* What it would write; 0: nothing. */
uint64_t unit_writer_owed_bytes(const struct session *s);

#endif
