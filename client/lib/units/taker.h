/* SPDX-License-Identifier: MIT
 *
 * taker - takes units as they arrive. Each is taken once, in its order: what it
 * changes is changed then. The events that it is are made one by one, because a
 * message is one for each subscription that matches.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_TAKER_H
#define SLUICE_CLIENT_LIB_UNITS_TAKER_H

#include "client/lib/units/units.h"

/* Takes the next unit that has arrived, if all of it is there; all events of
 * the one before were made. False: more must be read. */
bool sluice_taker_take(struct sluice *s);

/* Makes the next event of what was taken last, in `room`; false when there is
 * none. *owner is its subscription, or NULL. */
bool sluice_taker_make(struct sluice *s, struct sluice_room *room,
                       const struct sluice_reader **owner);

/* A subscription ends: its messages that have arrived are dropped, and the
 * numbers of topics that no other one matches forgotten. */
void sluice_taker_end_reader(struct sluice_units *u,
                             struct sluice_reader *reader);

#endif
