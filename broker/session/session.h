/* SPDX-License-Identifier: MIT
 *
 * session - one client: what happens to its connection, and what that means for
 * its state (state.h). Only this file acts on verdicts, and a session ends only
 * here.
 */
#ifndef SLUICE_SESSION_SESSION_H
#define SLUICE_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "broker/session/demands.h"
#include "broker/session/reason.h"
#include "broker/session/verdict.h"
#include "broker/session/waits.h"

struct clients;
struct session;

/* Takes `fd`. NULL when there is no memory. */
struct session *session_new(struct clients *all, int fd,
                            const struct sockaddr *peer, socklen_t length,
                            struct demands demands);

/* Acts on a verdict. CLOSE is the only way a session ends: logs and counts the
 * reason, and releases what the session held. */
void session_act(struct session *s, struct verdict v);

static inline void session_close(struct session *s, enum reason reason)
{
    session_act(s, verdict_close(reason));
}

/* Reads no more of a session in HELLO until it is known who its client is, and
 * then goes on. False, and nothing has changed, without memory. */
bool session_hold_hello(struct session *s);
void session_go_on(struct session *s);

/* Sends what the client is owed, as far as the socket takes it. */
void session_flush(struct session *s);

/* PAUSED or ENDED: the session has what it waited for, and is read again. */
void session_resume(struct session *s);

/* Reads once, up to the `*left` bytes that the kernel holds now: what the
 * kernel has accepted counts as sent. False when there is no more, or when the
 * session is not to be read because its channel is full. */
bool session_read_rest(struct session *s, size_t *left);

/* For the rows of clients.c: a wait is over. */
void session_on_timeout(struct waiting *w);
void session_on_sip(struct waiting *w);

#endif
