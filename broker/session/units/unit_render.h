/* SPDX-License-Identifier: MIT
 *
 * unit_render - turns what a client is owed into octets, at the last moment:
 * the heads of messages and gaps are made when they are written, so nothing is
 * kept for each reader but the messages, which all readers share.
 *
 *     pieces   [answers] [gap] [message] [message] ...
 *     iov      ------------------------- -- --------   small units are copied
 *                                                      side by side
 */
#ifndef SLUICE_SESSION_UNITS_UNIT_RENDER_H
#define SLUICE_SESSION_UNITS_UNIT_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "broker/core/backlog.h"
#include "broker/session/units/units.h"

struct session;
struct subscriber;

enum {
    RENDER_BYTES = 256 << 10,
    RENDER_PIECES = 4096,
    RENDER_IOVS = 512,
    RENDER_COPIED_MAX = 1024, /* larger bodies are not copied */
};

enum piece_kind { PIECE_REST, PIECE_ANSWERS, PIECE_GAP, PIECE_MESSAGES };

/* Something that is written as a whole or in part: messages with consecutive
 * numbers are one piece while their units lie one behind another. */
struct piece {
    struct subscriber *sub; /* NULL: of no lane */
    uint64_t number;        /* of the first message, or the last of the gap;
                               0: those of the messages are in the outbox */
    uint64_t gap_first;
    const uint8_t *units;  /* of the messages; NULL: of one, and not there */
    uint32_t messages;     /* how many, */
    uint32_t outbox_bytes; /* and what they are as they lie in the outbox */
    uint32_t bytes;   /* in the iov: of a unit that was begun, what is left */
    uint32_t skipped; /* bytes of the first unit that were written before */
    uint8_t kind;     /* enum piece_kind */
    bool is_memory;
    bool is_dressed; /* the messages lie in the outbox with their heads */
};

struct unit_render {
    struct iovec iov[RENDER_IOVS];
    int iovs;
    size_t bytes; /* in all iovs */
    struct piece pieces[RENDER_PIECES];
    uint32_t count;
    uint32_t used; /* bytes of `room` */
    uint8_t room[RENDER_BYTES];
};

/* NULL without memory; free() it. */
struct unit_render *unit_render_new(void);

/* Empties it. */
void unit_render_begin(struct unit_render *r);

/* Puts in front what was taken before and is pledged; it is not counted. */
void unit_render_pledged(struct unit_render *r, size_t bytes);

/* Bytes of the unit that begins there: its two frames. */
uint32_t unit_render_size(const uint8_t *unit);

/* Adds a backlog of whole units; false when not all of it fits. */
bool unit_render_backlog(struct unit_render *r, const struct backlog *b,
                         enum piece_kind kind);

/* Adds what is left of the unit that was begun. */
void unit_render_started(struct unit_render *r, const struct started *started);

/* Adds the units of a lane: all, or as many as fit (false). The first one is
 * left out if it was begun. */
bool unit_render_lane(struct unit_render *r, struct subscriber *sub,
                      bool is_begun);

#endif
