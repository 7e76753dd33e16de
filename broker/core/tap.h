/* SPDX-License-Identifier: MIT
 *
 * tap - a view of the messages routed to one channel: it takes none of them,
 * and publishers do not wait for the tap. A channel exists as long as its tap,
 * so that messages to a topic without subscribers are seen as well.
 */
#ifndef SLUICE_CORE_TAP_H
#define SLUICE_CORE_TAP_H

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct core;
struct slice;
struct tap;

/* Is shown each slice once, when it is committed; may not call the core. */
typedef void tap_fn(struct tap *t, const struct slice *slice);

/* Embedded by its owner. */
struct tap {
    struct channel *channel; /* NULL when closed */
    tap_fn *on_slice;
};

/* False when there is no memory, when the channel is tapped already, or when
 * nothing is ever routed to that name. */
bool tap_open(struct tap *t, struct core *c, const uint8_t *name,
              uint32_t length, tap_fn *on_slice);

/* Harmless when it is closed. */
void tap_close(struct tap *t);

#endif
