/* SPDX-License-Identifier: MIT
 *
 * opened - a connection in version 2, as commands begin it, and report its
 * losses. It comes back by itself: that is libsluice's matter.
 */
#ifndef SLUICE_CLIENT_OPENED_H
#define SLUICE_CLIENT_OPENED_H

#include "client/sluice.h"

/* Opens it; from then on it reconnects if `reconnects`. False, with an error
 * printed and *status set, when that fails. */
bool opened_begin(struct sluice *s, const char *server, int timeout_ms,
                  bool reconnects, int *status);

/* Reports an event on standard error if it is one of the connection. */
void opened_report(const struct sluice_event *e, const char *server,
                   bool reconnects);

/* Waits for the next event, at most `timeout_ms`, -1 for ever. SLUICE_AGAIN:
 * the time is up, a stop signal came (unless `is_stopping`: it is known), or
 * one of the `count` further descriptors is readable. */
enum sluice_error opened_next(struct sluice *s, const struct sluice_event **e,
                              const int *fds, unsigned count, int timeout_ms,
                              bool is_stopping);

#endif
