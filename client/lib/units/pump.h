/* SPDX-License-Identifier: MIT
 *
 * pump - moves a handle of version 2 on, one step at a time. Every call that
 * waits is a loop around it.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_PUMP_H
#define SLUICE_CLIENT_LIB_UNITS_PUMP_H

#include "client/lib/deadline.h"
#include "client/lib/handle.h"

/* One step, after all events of what was taken last were made: takes a unit;
 * else writes, reads, connects, whatever is possible; else waits. SLUICE_OK:
 * something has changed. Else SLUICE_AGAIN, SLUICE_TIMEOUT with the sentence
 * `late`, SLUICE_INTERRUPTED, or why the handle has ended. */
SLUICE_MUST_CHECK enum sluice_error
sluice_pump_step(struct sluice *s, sluice_deadline deadline, const char *late);

/* The same for a call that waits for something else: events are kept first.
 * SLUICE_BACKLOG: there are too many. */
SLUICE_MUST_CHECK enum sluice_error
sluice_pump_keep_and_step(struct sluice *s, sluice_deadline deadline,
                          const char *late);

/* Keeps the events of what was taken last. *is_found, unless it is NULL: the
 * answer to the call with this token is one of them. SLUICE_BACKLOG as above.
 */
SLUICE_MUST_CHECK enum sluice_error
sluice_pump_keep(struct sluice *s, uint64_t token, bool *is_found);

/* Writes once. SLUICE_AGAIN: nothing could be written. */
enum sluice_error sluice_pump_write(struct sluice *s);

/* The socket, also one that is being connected, and what to wait for on it: see
 * sluice_fd() and sluice_events(). */
int sluice_pump_fd(const struct sluice *s);
short sluice_pump_events(const struct sluice *s);

#endif
