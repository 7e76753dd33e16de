/* SPDX-License-Identifier: MIT
 *
 * v1 - version 1 of the protocol: a client's first frame names the channel
 * that it subscribes to; what it publishes are pairs of frames, a channel name
 * and a message, decoded straight from the read buffer into the core.
 */
#ifndef SLUICE_SESSION_V1_H
#define SLUICE_SESSION_V1_H

#include "broker/session/session_kind.h"

extern const struct session_kind v1_kind;

#endif
