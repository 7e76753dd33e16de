/* SPDX-License-Identifier: MIT
 *
 * dial - makes a connected, non-blocking socket out of an address.
 */
#ifndef SLUICE_CLIENT_LIB_DIAL_H
#define SLUICE_CLIENT_LIB_DIAL_H

#include "client/lib/deadline.h"
#include "client/lib/failure.h"

#include <stdbool.h>

/* How much the kernel may receive for a connection before it is read. */
enum sluice_dial_room {
    SLUICE_DIAL_USUAL,  /* what the system thinks best */
    SLUICE_DIAL_LITTLE, /* as little as possible; TCP only: on a unix socket the
                           sender decides */
};

/* Tries every address that `text` resolves to until one answers or the deadline
 * has passed. On SLUICE_OK the caller owns *fd; else *why has a sentence. */
SLUICE_MUST_CHECK enum sluice_error
sluice_dial(const char *text, sluice_deadline deadline,
            enum sluice_dial_room room, int *fd, struct sluice_failure *why);

/* Changes the room of a socket. Less takes effect only before connecting, since
 * what was promised to the sender is not taken back. */
void sluice_dial_set_room(int fd, enum sluice_dial_room room);

/* Sets what every connection needs, also one that the user made: non-blocking,
 * closed on exec, no delay for small segments, dead peers noticed. False, with
 * errno, when the descriptor is not a stream socket. */
bool sluice_dial_prepare(int fd);

#endif
