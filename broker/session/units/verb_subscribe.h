/* SPDX-License-Identifier: MIT
 *
 * verb_subscribe - SUB and UNSUB.
 */
#ifndef SLUICE_SESSION_UNITS_VERB_SUBSCRIBE_H
#define SLUICE_SESSION_UNITS_VERB_SUBSCRIBE_H

#include "broker/session/verdict.h"
#include "proto/unit_error.h"

struct session;
struct unit;

/* For the rows of unit.c. */
enum unit_error verb_subscribe_check(struct session *s, struct unit *u);
struct verdict verb_subscribe_run(struct session *s, struct unit *u);
enum unit_error verb_unsubscribe_check(struct session *s, struct unit *u);
struct verdict verb_unsubscribe_run(struct session *s, struct unit *u);

#endif
