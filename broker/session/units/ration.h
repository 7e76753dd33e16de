/* SPDX-License-Identifier: MIT
 *
 * ration - a client whose user has sent, or holds, as much as it may. Before
 * the client is not read any more it is asked to hold its publishes to the
 * channel where the last one went. GO comes when the user may send half of a
 * second's worth again, not at once: otherwise a client that obeys would be
 * asked to hold many times a second.
 */
#ifndef SLUICE_SESSION_UNITS_RATION_H
#define SLUICE_SESSION_UNITS_RATION_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/session/units/hub.h"

struct session;

enum { RATION_LOOK_MS = 100 };

struct ration {
    struct hub_alarm alarm;
    struct session *session;
    uint32_t length;
    uint8_t name[]; /* of the channel */
};

/* The session is not read until its user may send more. Nothing is said to a
 * client that holds already, or of which it is not known where it publishes.
 * False without memory. */
bool ration_begin(struct session *s);

/* The client is told nothing more of it. Harmless when it was told nothing. */
void ration_end(struct session *s);

#endif
