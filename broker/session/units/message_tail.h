/* SPDX-License-Identifier: MIT
 *
 * message_tail - what a publish has in its head behind the channel: headers, a
 * request id and `confirm`, read without the parser. What is legal but rare (an
 * option between two headers, many headers) is left to that.
 *
 *      rid=7 Unit=C Note=two%20words         Unit=C rid=7      rid=7
 * confirm=sync
 */
#ifndef SLUICE_SESSION_UNITS_MESSAGE_TAIL_H
#define SLUICE_SESSION_UNITS_MESSAGE_TAIL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MESSAGE_TAIL_MAX = 512,  /* octets */
    MESSAGE_TAIL_PAIRS = 32, /* as in any head */
};

enum {
    TAIL_RID = 1,
    TAIL_SYNC = 2,  /* confirm=sync, which is legal only where something can be
                       durable, as is */
    TAIL_ROUTE = 4, /* confirm=route */
};

/* Its parts lie in the text that was read. */
struct message_tail {
    const uint8_t *headers; /* with a space before each; they are legal */
    uint32_t headers_length;
    unsigned options;    /* that it has, as TAIL_RID */
    uint32_t rid_length; /* of that, if it has one */
    const uint8_t *rid;
};

/* False when it is not of this kind: then it is to be parsed. */
bool message_tail_read(struct message_tail *t, const uint8_t *text,
                       uint32_t length);

#endif
