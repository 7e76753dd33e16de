/* SPDX-License-Identifier: MIT
 *
 * intake - cuts the bytes of an inbox into units. A unit stays where it
 * arrived: it is valid until more is read, or, if the inbox lends it, until it
 * is given back.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_INTAKE_H
#define SLUICE_CLIENT_LIB_UNITS_INTAKE_H

#include "client/lib/inbox.h"

/* Takes the next unit, if all of it is there. FRAME_TOO_LONG when its head is
 * longer than the protocol allows, or its body than the inbox's limit. */
enum frame_status sluice_intake_take(struct sluice_inbox *in,
                                     struct sluice_bytes *head,
                                     struct sluice_bytes *body);

/* Lends the unit that was taken last, in place of what was lent before: its
 * bytes do not move until they are given back. */
void sluice_intake_lend(struct sluice_inbox *in);

/* Drops what was not taken: it is of a connection that has ended. What is lent
 * stays. */
void sluice_intake_drop(struct sluice_inbox *in);

#endif
