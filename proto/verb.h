/* SPDX-License-Identifier: MIT
 *
 * verb - the first word of a head, and the parts of a client's unit of that
 * verb, a row each. Section 5 of the specification as a table.
 */
#ifndef SLUICE_PROTO_VERB_H
#define SLUICE_PROTO_VERB_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/span.h"

enum {
    VERB_LENGTH_MAX = 16,
    VERB_TEXT_MAX = 512, /* octets of a body for people */
    VERB_TOKEN_MAX = 64, /* octets of the token of a PING, as written */
};

/* What the last argument is. A VERB_NAME is judged later. */
enum verb_argument { VERB_NAME, VERB_NUMBER, VERB_TOKEN };

enum verb_body { VERB_EMPTY, VERB_PAYLOAD, VERB_TEXT };

enum verb_id {
    VERB_ACK, /* what clients send */
    VERB_BYE,
    VERB_CREDIT,
    VERB_NAK,
    VERB_PING,
    VERB_PONG,
    VERB_PUB,
    VERB_REQ,
    VERB_SUB,
    VERB_TOUCH,
    VERB_UNSUB,
    VERB_CLIENT_COUNT,
    VERB_CHAL = VERB_CLIENT_COUNT, /* what only brokers send */
    VERB_ERR,
    VERB_GAP,
    VERB_GO,
    VERB_HOLD,
    VERB_INFO,
    VERB_MSG,
    VERB_OK,
    VERB_REP,
    VERB_COUNT, /* a verb that this program does not know */
};

/* The row of a broker's verb gives only `least`: the arguments that a client
 * can rely on. */
struct verb {
    const char *name;
    uint8_t least, most; /* arguments */
    uint8_t last;        /* enum verb_argument: what the last of them is */
    uint8_t body;        /* enum verb_body */
    bool takes_headers;
    uint32_t options, required; /* sets of enum unit_option */
};

extern const struct verb verbs[VERB_COUNT];

/* PUB, where a broker keeps queues on disk. */
extern const struct verb verb_publish_durable;

/* The first unit of a connection, which has no verb. */
extern const struct verb verb_opening;

/* VERB_COUNT when no verb has that name. */
enum verb_id verb_find(struct span name);

#endif
