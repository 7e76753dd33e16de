/* SPDX-License-Identifier: MIT
 *
 * message_tail - what a publish has in its head behind the channel: headers and
 * a request id, read without the parser. What is legal but rare (an option, the
 * request id between two headers, many headers) is left to that.
 *
 *      rid=7 Unit=C Note=two%20words         Unit=C rid=7
 */
#ifndef SLUICE_SESSION_UNITS_MESSAGE_TAIL_H
#define SLUICE_SESSION_UNITS_MESSAGE_TAIL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MESSAGE_TAIL_MAX = 512,  /* octets */
    MESSAGE_TAIL_PAIRS = 32, /* as in any head */
};

/* Both parts lie in the text that was read. */
struct message_tail {
    const uint8_t *headers; /* with a space before each; they are legal */
    uint32_t headers_length;
    uint32_t rid_length; /* 0: none */
    const uint8_t *rid;
};

/* False when it is not of this kind: then it is to be parsed. */
bool message_tail_read(struct message_tail *t, const uint8_t *text,
                       uint32_t length);

#endif
