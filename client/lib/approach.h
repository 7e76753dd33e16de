/* SPDX-License-Identifier: MIT
 *
 * approach - an attempt to connect that does not wait: its owner waits for the
 * socket to be writable. Only the lookup of a host's name blocks, as
 * getaddrinfo(3) does. dial.h is the same for callers that wait.
 */
#ifndef SLUICE_CLIENT_LIB_APPROACH_H
#define SLUICE_CLIENT_LIB_APPROACH_H

#include "client/lib/deadline.h"
#include "client/lib/dial.h"
#include "client/lib/failure.h"

#include <netdb.h>

struct sluice_approach {
    struct addrinfo *all; /* of the host; NULL when there is no attempt */
    struct addrinfo *at;  /* the address that is tried; NULL behind the last */
    int fd;               /* -1: none */
    enum sluice_dial_room room; /* of its socket */
    int each_ms;                /* for one address */
    sluice_deadline due;        /* when the next address is tried instead */
};

/* Begins to connect to `address`. `room` is that of the socket. SLUICE_OK:
 * connected, a->fd is the caller's.
 * SLUICE_AGAIN: wait for a->fd to be writable, or until a->due, then continue.
 * Else it has failed, and *why has a sentence. */
SLUICE_MUST_CHECK enum sluice_error
sluice_approach_begin(struct sluice_approach *a, const char *address,
                      enum sluice_dial_room room, struct sluice_failure *why);

/* Looks how far it is; results as above. `address` is for the sentence. */
SLUICE_MUST_CHECK enum sluice_error
sluice_approach_continue(struct sluice_approach *a, const char *address,
                         struct sluice_failure *why);

/* Gives up, if there is an attempt. */
void sluice_approach_end(struct sluice_approach *a);

#endif
