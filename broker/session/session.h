/* SPDX-License-Identifier: MIT
 *
 * session - one client: the state machine of the protocol.
 *
 *     HELLO    its first frame is awaited
 *     OPEN     pairs (name, message) are read
 *     PAUSED   it published to a channel that is full, or has begun a message
 *              that there is no memory for, and is not read
 *     ENDED    PAUSED, and it has closed in order: what it sent before is
 *              read when its turn comes, or its descriptor is wanted
 *     STOPPED  the broker stops: it is not read, but gets what it is owed
 *     LEAVING  it said goodbye: gets what its outbox holds, nothing more
 *     FINISHING  all was sent; its kernel is given time to confirm it
 *     CLOSED   freed at the end of the turn
 */
#ifndef SLUICE_SESSION_SESSION_H
#define SLUICE_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/clock.h"
#include "broker/base/list.h"
#include "broker/core/core.h"
#include "broker/net/peer.h"
#include "broker/net/reactor.h"
#include "broker/session/inbox.h"
#include "broker/session/reason.h"

struct sessions;
struct stream;

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

enum { SESSION_MAGIC = 0x73657373 };

struct session {
    uint32_t magic;
    uint8_t state;        /* enum session_state */
    uint8_t leave_reason; /* of the orderly close that is under way */
    bool has_spoken : 1;  /* sent anything at all */
    bool has_turn : 1;    /* it has waited: one read is due to it */
    bool has_grant : 1;   /* of memory, for the large message in its inbox */
    bool is_stale : 1;    /* had one, which was taken back */
    bool has_pass : 1;    /* it has ended: gates do not hold it up */
    uint8_t sips;         /* taken since it was paused */
    struct sessions *all;
    struct stream *stream;
    union {
        struct list link;         /* among all, */
        struct deferred deferred; /* or CLOSED */
    };
    struct list wait; /* among those with the same bounded wait */
    clock_ms wait_since;
    struct peer peer;
    struct subscriber sub;
    struct publisher pub;
    struct channel_ref last; /* published to */
    struct inbox *inbox;     /* inbox_none when empty */
    uint64_t id;
};

/* Takes `fd`. NULL when there is no memory. */
struct session *session_new(struct sessions *all, int fd,
                            const struct sockaddr *peer, socklen_t length);

/* The one door out. Logs and counts the reason, gives back what it held. */
void session_close(struct session *s, enum reason reason);

/* Sends what its outbox holds, as far as the socket takes it. */
void session_flush(struct session *s);

/* Its turn has come at a gate. */
void session_resume(struct session *s);

/* ENDED: what it sent is read now, though it has no turn at a gate. */
void session_let_past(struct session *s);

/* A bounded wait is over. */
void session_on_timeout(struct session *s, enum reason reason);

/* Reads what the kernel holds now, at most, and nothing after that. */
void session_stop(struct session *s);

/* STOPPED: has what it was owed; closes when its kernel has confirmed it. */
void session_finish(struct session *s);

/* FINISHING: closes if there is nothing left to wait for. */
void session_check_finished(struct session *s);

/* For intake.c. */

/* Its hello is complete. */
void session_begin(struct session *s);

/* It waits at the gates of one or more channels. */
void session_pause(struct session *s);

/* It has begun a large message that there is no memory for yet. */
void session_starve(struct session *s);

/* It said goodbye. */
void session_leave(struct session *s);

/* As session_close; `protocol` is whose greeting it sent, or NULL. */
void session_close_because(struct session *s, enum reason reason,
                           const char *protocol);

#endif
