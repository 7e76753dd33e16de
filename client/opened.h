/* SPDX-License-Identifier: MIT
 *
 * opened - a connection in version 2, as commands begin it and wait for its
 * events. Once it was open it comes back by itself: that is libsluice's matter.
 */
#ifndef SLUICE_CLIENT_OPENED_H
#define SLUICE_CLIENT_OPENED_H

#include "client/outage.h"
#include "client/target.h"

/* Opens it, with `timeout_ms` for each attempt. With an outage, which is told
 * what happens, attempts go on until one succeeds, and later the connection
 * comes back; NULL: neither. Else why it fails or would never succeed;
 * SLUICE_INTERRUPTED when a stop signal came. */
SLUICE_MUST_CHECK enum sluice_error opened_reach(struct sluice *s,
                                                 const struct target *target,
                                                 int timeout_ms,
                                                 struct outage *outage);

/* Prints why opened_reach() failed; returns the exit status. */
int opened_complain(const struct sluice *s, enum sluice_error error);

/* Both: false, with an error printed and *status set, when it fails. */
bool opened_begin(struct sluice *s, const struct target *target, int timeout_ms,
                  struct outage *outage, int *status);

/* Waits for the next event, at most `timeout_ms`, -1 for ever. SLUICE_AGAIN:
 * the time is up, a stop signal came (unless `is_stopping`: it is known), or
 * one of the `count` further descriptors is readable. */
enum sluice_error opened_next(struct sluice *s, const struct sluice_event **e,
                              const int *fds, unsigned count, int timeout_ms,
                              bool is_stopping);

#endif
