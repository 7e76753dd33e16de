/* SPDX-License-Identifier: MIT
 *
 * verb_work - what workers send: ACK, NAK, TOUCH and CREDIT.
 */
#ifndef SLUICE_SESSION_UNITS_VERB_WORK_H
#define SLUICE_SESSION_UNITS_VERB_WORK_H

#include "broker/session/verdict.h"
#include "proto/unit_error.h"

struct session;
struct unit;

/* For the rows of unit.c. */
enum unit_error verb_work_check(struct session *s, struct unit *u);
struct verdict verb_work_ack(struct session *s, struct unit *u);
struct verdict verb_work_nak(struct session *s, struct unit *u);
struct verdict verb_work_touch(struct session *s, struct unit *u);
enum unit_error verb_work_check_credit(struct session *s, struct unit *u);
struct verdict verb_work_credit(struct session *s, struct unit *u);

#endif
