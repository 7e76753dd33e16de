/* SPDX-License-Identifier: MIT
 *
 * units - listening in version 2 of the protocol: many channels, wildcards,
 * headers, gaps. A message of a queue is acknowledged when it has been printed
 * or its command has ended, one at a time; libsluice reconnects.
 */
#ifndef SLUICE_CLIENT_LISTEN_UNITS_H
#define SLUICE_CLIENT_LISTEN_UNITS_H

#include "client/listen/listening.h"

/* Subscribes on the open handle, and takes messages until the connection is
 * lost for good, or there is enough. Failures of commands are counted in
 * l->runner. */
enum listening_step units_serve(struct listening *l);

#endif
