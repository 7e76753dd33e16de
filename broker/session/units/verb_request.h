/* SPDX-License-Identifier: MIT
 *
 * verb_request - REQ, and PUB to a reply address.
 */
#ifndef SLUICE_SESSION_UNITS_VERB_REQUEST_H
#define SLUICE_SESSION_UNITS_VERB_REQUEST_H

#include "broker/session/verdict.h"
#include "proto/unit_error.h"

struct session;
struct unit;

/* For the rows of unit.c. */
enum unit_error verb_request_check(struct session *s, struct unit *u);
struct verdict verb_request_run(struct session *s, struct unit *u);

/* For verb_publish.c: answers a request. */
struct verdict verb_request_reply(struct session *s, struct unit *u);

#endif
