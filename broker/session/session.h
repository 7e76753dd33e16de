/* SPDX-License-Identifier: MIT
 *
 * session - one client: what happens to its connection, and what that means
 * for its state (state.h). It alone acts on verdicts, and through it alone a
 * session ends.
 */
#ifndef SLUICE_SESSION_SESSION_H
#define SLUICE_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "broker/base/list.h"
#include "broker/core/core.h"
#include "broker/net/peer.h"
#include "broker/net/reactor.h"
#include "broker/session/reason.h"
#include "broker/session/session_kind.h"
#include "broker/session/waits.h"

struct clients;
struct partial;
struct stream;

enum { SESSION_MAGIC = 0x5e55 };

struct session {
    struct clients *all;
    struct stream *stream;
    union {
        struct list link;         /* among all, */
        struct deferred deferred; /* or CLOSED */
    };
    struct waiting waiting;
    struct peer peer;
    uint16_t magic;
    uint8_t state;       /* enum session_state */
    uint8_t kind : 4;    /* of session_kinds */
    bool has_turn : 1;   /* it has waited: one read is due to it */
    bool has_pass : 1;   /* it has ended: gates do not delay it; bypass.h */
    bool is_goodbye : 1; /* FINISHING: after a goodbye */
    bool is_drained : 1; /* not among all->undrained */
    struct subscriber sub;
    struct publisher pub;
    struct channel_ref last; /* published to */
    struct partial *partial; /* NULL when nothing is incomplete */
    uint64_t id;
};

static inline const struct session_kind *session_kind(const struct session *s)
{
    return session_kinds[s->kind];
}

static inline struct session *session_of_subscriber(struct subscriber *sub)
{
    return LIST_OF(sub, struct session, sub);
}

static inline struct session *session_of_publisher(struct publisher *p)
{
    return LIST_OF(p, struct session, pub);
}

/* Takes `fd`. NULL when there is no memory. */
struct session *session_new(struct clients *all, int fd,
                            const struct sockaddr *peer, socklen_t length);

/* Acts on what has become of it. CLOSE is the one door out: logs and counts the
 * reason, gives back what it held. */
void session_act(struct session *s, struct verdict v);

static inline void session_close(struct session *s, enum reason reason)
{
    session_act(s, verdict_close(reason));
}

/* Sends what it is owed, as far as the socket takes it. */
void session_flush(struct session *s);

/* PAUSED or ENDED: it has what it waited for, and is read again. */
void session_resume(struct session *s);

/* Reads once of what the kernel holds now, `*left` bytes of it: what it has
 * taken counts as sent. False when there is no more, or it is not to be read,
 * as its channel is full. */
bool session_read_rest(struct session *s, size_t *left);

/* For the rows of clients.c: a wait is over. */
void session_on_timeout(struct waiting *w);
void session_on_sip(struct waiting *w);

#endif
