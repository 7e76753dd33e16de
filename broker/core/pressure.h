/* SPDX-License-Identifier: MIT
 *
 * pressure - what happens when memory is short.
 *
 * Above 85 % of the budget the channels that hold most of it are pressed:
 * those that hold more than half of what is left. So the largest come first,
 * and the less is left the smaller a channel may be to be pressed; one that
 * holds little is not, unless memory is exhausted. A pressed queue makes its
 * publishers wait; a pressed topic sheds what its slow subscribers are owed,
 * and makes publishers wait for its busy ones. At 100 % topics shed whatever
 * they can, and small channels are pressed as well, some in each turn: there
 * may be very many. A queue is relieved when it has fallen to half, or when the
 * budget is below 75 %.
 */
#ifndef SLUICE_CORE_PRESSURE_H
#define SLUICE_CORE_PRESSURE_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/base/list.h"

struct budget;
struct channel;
struct directory;

struct pressure {
    const struct directory *directory;
    const struct budget *budget;
    struct list large;    /* loads of channels that hold much */
    size_t pressed_count; /* channels that are not relieved yet */
    size_t swept_slots;   /* of the directory */
};

/* `directory` and `budget` are borrowed for the life of the pressure. */
void pressure_init(struct pressure *p, const struct directory *directory,
                   const struct budget *budget);

/* To be called when what the channel holds may have changed. */
void pressure_weigh(struct pressure *p, struct channel *ch);

/* To be called when a publisher names the channel. If memory is exhausted, it
 * shall not bring messages to one queue after another that is not pressed yet.
 */
void pressure_expect(struct pressure *p, struct channel *ch);

/* To be called before the channel is freed. */
void pressure_forget(struct pressure *p, struct channel *ch);

/* Whether it has been pressed, and not yet relieved. */
bool pressure_is_on(const struct channel *ch);

/* Looks at the budget and presses or relieves. */
void pressure_update(struct pressure *p);

/* Between turns: true while there are more to relieve than one turn does. */
bool pressure_has_work(const struct pressure *p);

#endif
