/* SPDX-License-Identifier: MIT
 *
 * view - a channel or a client seen from outside, as plain numbers. Their
 * owners show one view after another; the pointers in a view are valid until
 * the turn of the loop ends.
 */
#ifndef SLUICE_BASE_VIEW_H
#define SLUICE_BASE_VIEW_H

#include <stdint.h>

struct peer;

/* The table of broker/monitor/column.c describes each of them. */
enum view_number {
    VIEW_SUBSCRIBERS, /* of a channel alone */
    VIEW_IN,
    VIEW_OUT,
    VIEW_DROPPED,
    VIEW_DEPTH,
    VIEW_BYTES,
    VIEW_HELD_BYTES, /* of a channel alone */
    VIEW_PAUSED,     /* of a channel alone */
    VIEW_PRESSED,    /* of a channel alone */
    VIEW_LIMIT_BYTES,
    VIEW_LIMIT_MESSAGES,
    VIEW_AGE_MS,
    VIEW_HELD,
    VIEW_PARKED_BYTES,
    VIEW_WORKERS,     /* of a channel alone */
    VIEW_READY,       /* of a channel alone */
    VIEW_REDELIVERED, /* of a channel alone */
    VIEW_DURABLE,     /* of a channel alone */
    VIEW_DISK_BYTES,  /* of a channel alone */
    VIEW_UNACKED,     /* of a channel alone */
    VIEW_WILDCARDS,   /* of a channel alone */
    VIEW_UNSEEN,      /* of a channel alone */
    VIEW_LANES,       /* of a client alone */
    VIEW_REQUESTS,    /* of a client alone */
    VIEW_RECENT,      /* set by the monitor, which remembers */
    VIEW_NUMBERS
};

struct view {
    const uint8_t *name; /* of the channel, or of the one that the client
                            is subscribed to; NULL when there is none */
    uint32_t name_length;
    const uint8_t *waits_for; /* the full channel that keeps the client from
                                 publishing; NULL when there is none */
    uint32_t waits_for_length;
    const uint8_t *label; /* what the client calls itself; NULL: nothing */
    uint32_t label_length;
    uint32_t protocol;       /* its version, that the client speaks; 0: it has
                                not said so yet */
    const char *kind;        /* of the channel, or the client's state */
    const char *tls;         /* its version, for a client; NULL: none */
    const char *cipher;      /* of TLS; NULL: none */
    const char *user;        /* in the users file, for a client; NULL: none */
    const char *way;         /* by which that was recognised; NULL: none */
    const struct peer *peer; /* of net/peer.h; NULL: it is a channel */
    uint64_t conn;           /* the client's number */
    uint64_t number[VIEW_NUMBERS];
};

/* Called for each view in turn; may not keep the pointers in a view. */
typedef void view_fn(void *arg, const struct view *v);

#endif
