/* SPDX-License-Identifier: MIT
 *
 * burst - units of one client, one behind another, that publish to the channel
 * where the last one went: their heads are compared and not parsed. What is in
 * any way out of the ordinary (a rare option, another spelling, a full channel;
 * a header, where heads are not kept with the messages) is left to the parser.
 *
 *     /topic/a rid=7 | 21.5      PUB /topic/a | 21.5      PUB /topic/a Unit=C |
 *     PUB /queue/a rid=8 confirm=sync | 21.5
 */
#ifndef SLUICE_SESSION_UNITS_BURST_H
#define SLUICE_SESSION_UNITS_BURST_H

#include <stdint.h>

#include "broker/core/core.h"
#include "broker/session/verdict.h"

struct channel;
struct session;
struct unit;

enum {
    BURST_WORD = 4, /* "PUB " */
    BURST_NAME_MAX = 92,
    /* Sessions share the places by their numbers: a place for each would cost
     * those most that never publish. */
    BURST_PLACES = 64,
};

/* Where the last message of a session went. */
struct burst_place {
    uint64_t session; /* whose it is: others may not publish there */
    struct channel_ref channel;
    uint32_t name_length;                      /* as its publisher spells it */
    uint8_t text[BURST_WORD + BURST_NAME_MAX]; /* "PUB ", and the name */
};

/* That unit of the session went to the channel; NULL: to nobody. */
void burst_remember(struct session *s, struct channel *ch,
                    const struct unit *u);

/* The name of that channel, CHANNEL_NAME_MAX octets at most; returns how many,
 * 0 when it is not known. */
uint32_t burst_last(const struct session *s, uint8_t *name);

/* Where the session published last is not known any more. */
void burst_forget(struct session *s);

/* Takes as many units as it can of those that begin at *at, and moves *at
 * behind them. */
struct verdict burst_take(struct session *s, const uint8_t **at,
                          const uint8_t *end);

#endif
