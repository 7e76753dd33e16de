/* SPDX-License-Identifier: MIT
 *
 * notice - what is told of a session: who, in which channel, what and why.
 */
#ifndef SLUICE_SESSION_NOTICE_H
#define SLUICE_SESSION_NOTICE_H

#include "broker/session/session.h"

/* A state as the log calls it. */
extern const char *const notice_states[SESSION_STATES];

/* Its hello is complete. */
void notice_connected(const struct session *s);

/* It ends. `protocol`: whose greeting it sent, or NULL. */
void notice_closed(const struct session *s, enum reason reason,
                   enum log_level level, const char *protocol);

/* It is not read until the channel has room; and is again. */
void notice_paused(const struct session *s);
void notice_resumed(const struct session *s);

/* As a subscriber it is too slow; and has caught up. */
void notice_slow(const struct session *s);
void notice_recovered(const struct session *s);

#endif
