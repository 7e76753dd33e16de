/* SPDX-License-Identifier: MIT
 *
 * acks - acknowledgements of one client, one behind another, for the queue that
 * the last one was for: their heads are compared and not parsed. What is in any
 * way out of the ordinary (a rid, a message that is not held) is left to the
 * parser.
 *
 *     ACK /queue/jobs 40 |
 */
#ifndef SLUICE_SESSION_UNITS_ACKS_H
#define SLUICE_SESSION_UNITS_ACKS_H

#include <stdint.h>

#include "broker/core/core.h"
#include "proto/span.h"

struct channel;
struct session;

enum {
    ACKS_WORD = 4, /* "ACK " */
    ACKS_NAME_MAX = 91,
    ACKS_PLACES = 64, /* as BURST_PLACES */
};

/* What the last acknowledgement of a session was for. */
struct acks_place {
    struct channel_ref queue;
    uint32_t length;                             /* of the text: */
    uint8_t text[ACKS_WORD + ACKS_NAME_MAX + 1]; /* "ACK queue " */
};

/* The session has acknowledged a message of the queue, by that name. */
void acks_remember(struct session *s, struct channel *queue, struct span name);

/* Takes as many units as it can of those that begin at *at, and moves *at
 * behind them. */
void acks_take(struct session *s, const uint8_t **at, const uint8_t *end);

#endif
