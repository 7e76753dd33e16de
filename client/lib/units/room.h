/* SPDX-License-Identifier: MIT
 *
 * room - an event as it is handed to the program: its texts decoded, and ended
 * with NULs, in memory of its own. The body stays where it arrived.
 */
#ifndef SLUICE_CLIENT_LIB_UNITS_ROOM_H
#define SLUICE_CLIENT_LIB_UNITS_ROOM_H

#include "client/sluice.h"
#include "proto/head.h"

struct sluice_room {
    struct sluice_event event;
    struct sluice_header headers[HEAD_PAIRS_MAX + 1];
    char texts[2 * HEAD_MAX]; /* of headers, reason and run */
    uint32_t used;            /* of them */
    uint8_t channel[SLUICE_CHANNEL_MAX];
};

/* An event of that kind, everything else empty. */
void sluice_room_begin(struct sluice_room *room, enum sluice_event_kind kind);

/* A text from a head, or from anywhere, decoded; it fits as long as all of them
 * come from one head. */
const char *sluice_room_text(struct sluice_room *room, struct span text);

/* The same for a text that is not spelled. */
const char *sluice_room_copy(struct sluice_room *room, struct span text);

/* Sets the channel; at most SLUICE_CHANNEL_MAX octets. */
void sluice_room_set_channel(struct sluice_room *room,
                             struct sluice_bytes channel);

/* Sets the headers: the first of each name. */
void sluice_room_set_headers(struct sluice_room *room, const struct head *head);

#endif
