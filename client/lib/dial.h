/* SPDX-License-Identifier: MIT
 *
 * dial - makes a connected, non-blocking socket out of an address.
 */
#ifndef SLUICE_CLIENT_LIB_DIAL_H
#define SLUICE_CLIENT_LIB_DIAL_H

#include "client/lib/deadline.h"
#include "client/lib/failure.h"

#include <stdbool.h>

/* Tries every address that `text` resolves to until one answers or the deadline
 * has passed. On SLUICE_OK the caller owns *fd; else *why has a sentence. */
SLUICE_MUST_CHECK enum sluice_error sluice_dial(const char *text,
                                                sluice_deadline deadline,
                                                int *fd,
                                                struct sluice_failure *why);

/* Sets what every connection needs, also one that the user made: non-blocking,
 * closed on exec, no delay for small segments, dead peers noticed. False, with
 * errno, when the descriptor is not a stream socket. */
bool sluice_dial_prepare(int fd);

#endif
