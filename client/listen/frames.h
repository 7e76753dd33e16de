/* SPDX-License-Identifier: MIT
 *
 * frames - listening in version 1 of the protocol: one channel, nothing but
 * messages, delivered at most once.
 */
#ifndef SLUICE_CLIENT_LISTEN_FRAMES_H
#define SLUICE_CLIENT_LISTEN_FRAMES_H

#include "client/listen/listening.h"

/* Connects and subscribes to the only channel. */
enum sluice_error frames_connect(struct listening *l);

/* Takes its messages until the connection is lost, or there is enough. */
enum listening_step frames_serve(struct listening *l);

#endif
