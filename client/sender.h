/* SPDX-License-Identifier: MIT
 *
 * sender - publishes the messages of a source in version 1, and ends in order:
 * the broker has read everything when it succeeds. While a queue is full the
 * broker makes its publishers wait, this one included: as long as messages are
 * still to be handed to the kernel there is no limit, and what is waited for
 * is reported. The goodbye that follows is limited, since a broker that never
 * answers it looks like one whose queue is full.
 */
#ifndef SLUICE_CLIENT_SENDER_H
#define SLUICE_CLIENT_SENDER_H

#include "client/send_plan.h"

/* Sends everything; returns the exit status. The plan's `options` are none of
 * this version's. */
int sender_send(const struct send_plan *plan);

#endif
