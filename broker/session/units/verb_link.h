/* SPDX-License-Identifier: MIT
 *
 * verb_link - units about the connection itself: PING, PONG, BYE.
 */
#ifndef SLUICE_SESSION_UNITS_VERB_LINK_H
#define SLUICE_SESSION_UNITS_VERB_LINK_H

#include "broker/session/verdict.h"

struct session;
struct unit;

/* For the rows of unit.c. */
struct verdict verb_link_bye(struct session *s, struct unit *u);
struct verdict verb_link_ping(struct session *s, struct unit *u);
struct verdict verb_link_pong(struct session *s, struct unit *u);

#endif
