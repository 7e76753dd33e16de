/* SPDX-License-Identifier: MIT
 *
 * release - lets parked units through when their channel has room.
 */
#ifndef SLUICE_SESSION_UNITS_RELEASE_H
#define SLUICE_SESSION_UNITS_RELEASE_H

struct publisher;

/* For session_kind.h: a line of parked.h has reached the front of its gate. */
void release_admitted(struct publisher *p);

#endif
