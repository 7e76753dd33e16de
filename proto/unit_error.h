/* SPDX-License-Identifier: MIT
 *
 * unit_error - why a unit is refused: the codes of ERR, one row each.
 */
#ifndef SLUICE_PROTO_UNIT_ERROR_H
#define SLUICE_PROTO_UNIT_ERROR_H

#include <stdbool.h>

#include "proto/span.h"

/* code, whether it ends the connection, the text of the ERR unless there is a
 * more specific one */
#define UNIT_ERRORS(X)                                                         \
    X(AUTH, "auth", true, "not authenticated")                                 \
    X(BAD_BODY, "bad-body", false, "this unit has no body, or a shorter one")  \
    X(BAD_CHANNEL, "bad-channel", false, "not a channel or pattern")           \
    X(BAD_HEAD, "bad-head", false, "the head is malformed")                    \
    X(BAD_OPTION, "bad-option", false, "an option or its value is refused")    \
    X(BAD_VERB, "bad-verb", false, "there is no such verb")                    \
    X(BUSY, "busy", true, "too many clients at once; try again later")         \
    X(DENIED, "denied", false, "not allowed")                                  \
    X(DISK, "disk", false, "the journal's disk has failed")                    \
    X(DRAINING, "draining", false, "the broker is stopping")                   \
    X(EXISTS, "exists", false, "this connection has that pattern already")     \
    X(FULL, "full", false, "the journal has no room")                          \
    X(GONE, "gone", false, "not yours, or no longer")                          \
    X(IDLE, "idle", true, "nothing came for two ping periods")                 \
    X(LIMIT, "limit", false, "too many subscriptions, requests or queues")     \
    X(NO_RESPONDER, "no-responder", false, "no subscriber that could reply")   \
    X(OVERRUN, "overrun", true, "what is lost can no longer be counted")       \
    X(PROTO, "proto", true, "not a head of 1 to 4096 octets")                  \
    X(SLOW, "slow", false, "the reply found no room in time")                  \
    X(TIMEOUT, "timeout", false, "no reply in time")                           \
    X(TOO_BIG, "too-big", true, "the body is above the limit")                 \
    X(VERSION, "version", true, "this version is not spoken")

enum unit_error {
    UNIT_OK,
#define X(name, code, is_fatal, text) UNIT_##name,
    UNIT_ERRORS(X)
#undef X
        UNIT_REFUSED, /* a code that this program does not know */
};

/* As it is written behind ERR; "" for UNIT_OK and UNIT_REFUSED. */
const char *unit_error_code(enum unit_error error);

/* A sentence for people, without a full stop. */
const char *unit_error_text(enum unit_error error);

/* Whether the broker says BYE after it. */
bool unit_error_is_fatal(enum unit_error error);

/* UNIT_REFUSED when no code is written like this. */
enum unit_error unit_error_find(struct span code);

#endif
