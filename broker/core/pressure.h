/* SPDX-License-Identifier: MIT
 *
 * pressure - what happens when memory is short.
 *
 * From 85 % of the budget on, the channels that hold most of it are pressed:
 * those that hold more than half of what is left. So the largest come first,
 * and the less is left the smaller a channel may be to be asked; one that
 * holds little is not, unless nothing at all is left. A pressed queue has its
 * publishers wait; a pressed topic sheds what its slow subscribers are owed,
 * and waits for its busy ones. At 100 % topics shed whatever they can, and the
 * small are asked as well, some in each turn: there may be very many. A queue
 * is relieved when it has fallen to half, or everybody below 75 %.
 */
#ifndef SLUICE_CORE_PRESSURE_H
#define SLUICE_CORE_PRESSURE_H

#include <stdbool.h>

struct channel;
struct core;

/* What the channel holds has changed. */
void pressure_weigh(struct channel *ch);

/* The channel goes. */
void pressure_forget(struct channel *ch);

/* Whether it has been pressed, and not yet relieved. */
bool pressure_is_on(const struct channel *ch);

/* Looks at the budget and presses or relieves. */
void pressure_update(struct core *c);

/* Between turns: true while there are more to relieve than one turn does. */
bool pressure_has_work(const struct core *c);

#endif
