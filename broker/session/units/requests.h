/* SPDX-License-Identifier: MIT
 *
 * requests - the requests of all clients that are not answered yet, by reply
 * address. An address is a capability: it cannot be guessed, works once, and
 * ends with its request.
 */
#ifndef SLUICE_SESSION_UNITS_REQUESTS_H
#define SLUICE_SESSION_UNITS_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/base/map.h"
#include "broker/session/units/hub.h"
#include "broker/session/units/units.h"
#include "proto/span.h"

struct parked_unit;
struct session;
struct unit;

enum { REQUESTS_ADDRESS_LENGTH = 32 }; /* without the '@' */

/* A reply that waits for room at the requester. */
struct request_reply {
    void (*end)(struct request_reply *r); /* the request ends before it */
};

struct request {
    struct map_node node; /* of the hub's, by address */
    struct list link;     /* of the session's */
    struct session *session;
    struct hub_alarm alarm;
    struct parked_unit *parked;  /* NULL: it was routed */
    struct request_reply *reply; /* NULL: none waits */
    uint8_t rid_length;
    char rid[UNITS_RID_MAX];
    char address[REQUESTS_ADDRESS_LENGTH];
    uint8_t name_length; /* of its channel */
    uint8_t name[];
};

/* Has the session ask what the unit says, with an answer due in time. NULL
 * without memory. */
struct request *requests_add(struct session *s, const struct unit *u,
                             uint32_t timeout_ms);

/* The request with this address, which begins with its '@'; NULL when there is
 * none. */
struct request *requests_find(const struct session *s, struct span address);

/* How many the session has. */
uint32_t requests_count(const struct session *s);

/* The text that a request is published with, before its headers: the reply
 * address. */
#define REQUESTS_TEXT " reply=@"

/* Whether a message with this text is a request that has ended. */
bool requests_is_ended(struct clients *all, const uint8_t *text,
                       uint32_t length);

/* It has been answered; if it is parked, it will not be routed. */
void requests_remove(struct request *r);

/* All of a session; `is_answered`: with UNIT_GONE. False when there is no
 * memory for the answers. */
bool requests_end(struct session *s, bool is_answered);

#endif
