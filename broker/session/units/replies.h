/* SPDX-License-Identifier: MIT
 *
 * replies - replies to a client that does not take its answers. They wait until
 * it has taken half of them, `--patience` at most. Meanwhile they are the
 * replier's, and count as parked.
 */
#ifndef SLUICE_SESSION_UNITS_REPLIES_H
#define SLUICE_SESSION_UNITS_REPLIES_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/session/units/hub.h"
#include "broker/session/units/requests.h"
#include "broker/session/units/unit_kept.h"
#include "broker/session/verdict.h"

struct session;
struct unit;

struct reply {
    struct list link; /* of the requester's, in order */
    struct list own;  /* of the replier's */
    struct request *request;
    struct request_reply late;
    struct session *replier;
    struct hub_alarm alarm;
    struct unit_kept kept;
    uint8_t bytes[]; /* see unit_kept.h */
};

/* A reply to the request: it is sent, which ends the request, or waits. */
struct verdict replies_add(struct session *s, const struct unit *u,
                           struct request *r);

/* The session has taken answers: gives it the replies that waited for that.
 * False when there is no memory. */
bool replies_review(struct session *requester);

/* The replier says nothing more: its replies are sent whether there is room or
 * not. False when there is no memory. */
bool replies_leave(struct session *s);

/* The replier has gone: the requests may still be answered by others. */
void replies_end(struct session *s);

#endif
