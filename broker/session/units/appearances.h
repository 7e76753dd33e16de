/* SPDX-License-Identifier: MIT
 *
 * appearances - channels that have just appeared get the lanes of all wildcard
 * subscriptions that match them. As long as these are being found, which may
 * take more than one turn, the channel awaits them (see channel_await), and
 * they will get all of its messages.
 */
#ifndef SLUICE_SESSION_UNITS_APPEARANCES_H
#define SLUICE_SESSION_UNITS_APPEARANCES_H

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct clients;
struct unit_hub;

/* For session_kind. */
bool appearances_want(struct clients *all, const uint8_t *name,
                      uint32_t length);
bool appearances_begin(struct clients *all, struct channel *ch);

/* Without a message for long, the channel is left by all who read it by a
 * pattern; they are found again if something comes while they leave. */
void appearances_undo(struct unit_hub *hub, struct channel *ch);

/* Gives up those that have not been completed; no session is left. */
void appearances_close(struct unit_hub *hub);

#endif
