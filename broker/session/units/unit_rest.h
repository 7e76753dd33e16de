/* SPDX-License-Identifier: MIT
 *
 * unit_rest - what is left of a unit that was written in part, when the lane it
 * came from goes: whoever reads the connection must get a whole unit.
 */
#ifndef SLUICE_SESSION_UNITS_UNIT_REST_H
#define SLUICE_SESSION_UNITS_UNIT_REST_H

#include <stdbool.h>

struct session;
struct subscriber;

/* The lane is about to be closed: keeps the rest of a unit of it that was
 * begun. False when there is no memory. */
bool unit_rest_keep(struct session *s, const struct subscriber *lane);

#endif
