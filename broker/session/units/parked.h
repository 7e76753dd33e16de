/* SPDX-License-Identifier: MIT
 *
 * parked - publishes and requests of a session whose channel has no room. They
 * wait in order, in a line for each channel, while everything else that the
 * session sends is executed. A client that publishes on is asked to hold.
 *
 *     the session's lines     /queue/a   PUB  PUB  REQ     at its gate
 *                             /topic/b   PUB               at its gate
 *                             /queue/c                     told to HOLD, and GO
 *                                                          is due
 *
 * A line waits at the gate of its channel until it is freed, except while it is
 * let through (release.h). Requests know which of the units is theirs, since
 * they may end first.
 */
#ifndef SLUICE_SESSION_UNITS_PARKED_H
#define SLUICE_SESSION_UNITS_PARKED_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/list.h"
#include "broker/base/map.h"
#include "broker/core/publisher.h"
#include "broker/session/units/hub.h"
#include "broker/session/units/unit_kept.h"
#include "proto/channel_name.h"
#include "proto/unit_error.h"

struct channel;
struct request;
struct session;
struct unit;

enum {
    PARKED_HOLD_MS = 100,   /* HOLD when the oldest has waited for so long */
    PARKED_SHORT_PART = 16, /* of the bound, while memory is short, or the user
                               has as much as it may hold */
    PARKED_KEY_ID = sizeof(uint64_t),
};

struct parked_unit {
    struct list link; /* of the line */
    struct parked *line;
    struct request *request; /* of a REQ; else NULL */
    clock_ms since;
    struct unit_kept kept;
    uint8_t bytes[]; /* see unit_kept.h */
};

struct parked {
    struct map_node node; /* of the hub's, by `key` */
    struct list link;     /* of the session's */
    struct session *session;
    struct publisher pub; /* waits at the gate */
    struct list units;    /* struct parked_unit, oldest first */
    struct hub_alarm alarm;
    bool is_told;    /* the client was sent HOLD */
    bool is_passing; /* it is let through, and not at the gate */
    uint8_t name_length;
    uint8_t key[PARKED_KEY_ID + CHANNEL_NAME_MAX]; /* session, channel */
};

static inline const uint8_t *parked_name(const struct parked *line)
{
    return line->key + PARKED_KEY_ID;
}

/* Sets aside a unit for the channel; `r` is its request, NULL when it is none.
 * The session has to rest when that was too much. False when there is no
 * memory, and then the session has to end. */
bool parked_add(struct session *s, const struct unit *u, struct channel *ch,
                struct request *r);

/* Whether the client was asked to hold what it publishes to that channel, for
 * the sake of what is parked. */
bool parked_is_told(const struct session *s, const uint8_t *name,
                    uint32_t length);

/* The unit that is next, NULL when the line has none. */
struct parked_unit *parked_first(const struct parked *line);

/* The unit as its verb takes it. */
void parked_read(struct parked_unit *p, struct unit *out);

/* It was executed, or will not be: frees it, and its line with the last one,
 * unless that is let through or GO is due. */
void parked_remove(struct parked_unit *p);

/* NULL when there is none any more. */
struct channel *parked_channel(const struct parked *line);

/* A line that was let through goes back to the gate, at the end or in front;
 * the channel, if it has ended, begins again. False when there is no memory. */
bool parked_wait(struct parked *line, bool is_first);

/* A line without units was let through: says GO if it said HOLD, and frees it.
 * False when there is no memory for the answer. */
bool parked_go(struct parked *line);

/* So many bytes that the session keeps count as parked, and no longer. False
 * when there is no memory. */
bool parked_charge(struct session *s, uint64_t bytes);
void parked_refund(struct session *s, uint64_t bytes);

/* The client says nothing more: it need not hold, and what is left is refused
 * after `--drain-timeout`. */
void parked_leave(struct session *s);

/* Refuses what is left; units with a rid are answered. False when there is no
 * memory for that. */
bool parked_refuse(struct session *s);

/* Refuses what asks for a receipt from the disk, for queues that are kept
 * there: the disk is full, or has failed. False when there is no memory for
 * that. */
bool parked_refuse_synced(struct session *s, enum unit_error error);

/* Drops what is left. */
void parked_end(struct session *s);

#endif
