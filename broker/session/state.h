/* SPDX-License-Identifier: MIT
 *
 * state - what a session is, what it is doing, and the one function that
 * changes that.
 *
 *     HELLO    its first frame is awaited
 *     OPEN     messages are read; the beginning of one may be left in the
 *              kernel until more of it arrives
 *     PAUSED   it published to a channel that is full, or has begun a message
 *              that there is no memory for, and is not read
 *     ENDED    PAUSED, and it has closed in order: what it sent before is
 *              read when its turn comes, or its descriptor is wanted
 *     STOPPED  the broker stops: it is not read, but gets what it is owed
 *     LEAVING  it said goodbye: gets what its outbox holds, nothing more, and
 *              the end when what it published to durable queues is on disk
 *     FINISHING  all was sent; its kernel is given time to confirm it
 *     CLOSED   freed at the end of the turn
 */
#ifndef SLUICE_SESSION_STATE_H
#define SLUICE_SESSION_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/core/core.h"
#include "broker/net/peer.h"
#include "broker/net/reactor.h"
#include "broker/session/demands.h"
#include "broker/session/session_kind.h"
#include "broker/session/waits.h"

struct clients;
struct partial;
struct stream;
struct units;

enum session_state {
    SESSION_HELLO,
    SESSION_OPEN,
    SESSION_PAUSED,
    SESSION_ENDED,
    SESSION_STOPPED,
    SESSION_LEAVING,
    SESSION_FINISHING,
    SESSION_CLOSED,
    SESSION_STATES
};

enum { SESSION_MAGIC = 0x5e };

struct session {
    struct clients *all;
    struct stream *stream;
    union {
        struct list link;         /* among all, */
        struct deferred deferred; /* or CLOSED */
    };
    struct waiting waiting;
    struct peer peer;
    uint8_t magic;
    union {
        uint8_t reason; /* enum reason: why it is LEAVING or FINISHING */
        struct demands demands; /* HELLO: of the address it has connected at */
    };
    uint8_t state : 4;   /* enum session_state */
    uint8_t kind : 4;    /* of session_kinds */
    bool is_guest : 1;   /* accepted beyond the bound; guest.h */
    bool is_left : 1;    /* the kernel keeps what it has sent of a message */
    bool has_turn : 1;   /* has waited: one read is due to it */
    bool has_pass : 1;   /* has ended: gates do not delay it; bypass.h */
    bool is_goodbye : 1; /* FINISHING: after a goodbye */
    bool is_drained : 1; /* not among all->undrained */
    bool
        is_draining : 1; /* version 2: the client knows that the broker stops */
    bool is_exempt : 1;  /* it is not asked who it is; identity.h */
    struct subscriber sub;
    struct publisher pub;
    union {
        struct channel_ref last; /* of version 1: published to; */
        uint64_t last_turn;      /* LEAVING: of the core, when it said so */
        struct units *units;     /* of version 2; NULL when there is nothing to
                                    keep for it */
    };
    struct partial *partial; /* NULL when nothing is incomplete */
    uint64_t id;
};

static inline const struct session_kind *session_kind(const struct session *s)
{
    return session_kinds[s->kind];
}

/* A further place of a session in a channel; the first one is the session's
 * `sub`. */
struct lane {
    struct subscriber sub; /* SUBSCRIBER_LANE_MORE */
    struct session *session;
    const struct wildcard
        *wildcard;    /* whose alone it is, in a queue; or NULL */
    struct list link; /* of the session's lanes */
};

static inline struct session *session_of_subscriber(struct subscriber *sub)
{
    return sub->kind == SUBSCRIBER_LANE_MORE
               ? LIST_OF(sub, struct lane, sub)->session
               : LIST_OF(sub, struct session, sub);
}

static inline struct session *session_of_publisher(struct publisher *p)
{
    return LIST_OF(p, struct session, pub);
}

/* A state as the log calls it. */
extern const char *const state_names[SESSION_STATES];

/* The only way to change the state. Also updates the counters of pauses, and
 * the number of sessions that keep the broker from stopping. */
void state_set(struct session *s, enum session_state state);

/* HELLO or OPEN: the session is read for what it publishes. */
bool state_is_read(const struct session *s);

/* The outbox may have become empty, or is no longer empty. */
void state_review_outbox(struct session *s);

#endif
