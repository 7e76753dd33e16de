/* SPDX-License-Identifier: MIT
 *
 * routed - what PUB and REQ have in common: a channel, headers, a message.
 */
#ifndef SLUICE_SESSION_UNITS_ROUTED_H
#define SLUICE_SESSION_UNITS_ROUTED_H

#include <stdint.h>

#include "broker/core/channel.h"
#include "broker/session/verdict.h"
#include "proto/head.h"
#include "proto/span.h"
#include "proto/unit_error.h"

struct request;
struct session;
struct unit;

/* The headers, and a reply address before them. */
enum { ROUTED_TEXT_MAX = HEAD_ROUTED_MAX + 64 };

/* Rules 11 and 12, for a channel; reads its name. */
enum unit_error routed_check(const struct session *s, struct unit *u);

/* Writes the text of the message; `address` may be "". Returns its length. */
uint32_t routed_text(const struct head *head, struct span address,
                     uint8_t text[ROUTED_TEXT_MAX]);

/* Whether the channel has no room for the unit, or others are before it. */
bool routed_must_wait(const struct unit *u, struct channel *ch);

/* Sets the unit aside until there is room; `r` is its request, NULL when it is
 * none. */
struct verdict routed_wait(struct session *s, const struct unit *u,
                           struct channel *ch, struct request *r);

/* Publishes the unit's body with that text, which may be empty; there is
 * room. */
enum publish_status routed_publish(const struct unit *u, struct channel *ch,
                                   const uint8_t *text, uint32_t length);

#endif
