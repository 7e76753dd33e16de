/* SPDX-License-Identifier: MIT
 *
 * verb_publish - PUB to a channel.
 */
#ifndef SLUICE_SESSION_UNITS_VERB_PUBLISH_H
#define SLUICE_SESSION_UNITS_VERB_PUBLISH_H

#include "broker/session/verdict.h"
#include "proto/unit_error.h"

struct session;
struct unit;

/* For the rows of unit.c. */
enum unit_error verb_publish_check(struct session *s, struct unit *u);
struct verdict verb_publish_run(struct session *s, struct unit *u);

#endif
