/* SPDX-License-Identifier: MIT
 *
 * notice - what the log says of a session: which one, its channel, what
 * happened and why.
 */
#ifndef SLUICE_SESSION_NOTICE_H
#define SLUICE_SESSION_NOTICE_H

#include "broker/base/log_field.h"
#include "broker/session/verdict.h"
#include "proto/span.h"

struct channel;
struct clients;
struct session;
struct subscriber;
struct user;

/* The client has shown who it is, or has failed to: `user` and `mech` are as it
 * wrote them, or "". `missed`: failures before that were not logged. */
void notice_login(const struct session *s, struct span user, struct span mech);
void notice_login_failed(const struct session *s, struct span user,
                         struct span mech, uint64_t missed);

/* The client was refused because too many wait; `missed` others of its source
 * were not logged. */
void notice_login_busy(const struct session *s, uint64_t missed);

/* The client may not do that with the channel or pattern, `length` octets;
 * `missed` others, with that channel or of that user, were not logged. */
void notice_denied(const struct session *s, const char *user, const char *what,
                   const void *name, size_t length, uint64_t missed);

/* The client's hello is complete. */
void notice_connected(const struct session *s);

/* The session ends for the reason of `why`. */
void notice_closed(const struct session *s, struct verdict why,
                   enum log_level level);

/* The session is not read until the channel has room; it is read again. */
void notice_paused(const struct session *s);
void notice_resumed(const struct session *s);

/* The client was asked to hold its publishes to the channel; so many bytes of
 * it are parked. */
void notice_held(const struct session *s, const uint8_t *name, size_t length,
                 uint64_t parked_bytes);

/* A unit of version 2 was refused with that code. `word` is its verb, `length`
 * octets. */
void notice_refused(const struct session *s, const char *code, const char *word,
                    size_t length);

/* The connections of a user hold so much, and more than they may. */
void notice_user_memory(const struct clients *all, const struct user *user,
                        uint64_t bytes);

/* For core_owner; `clients` is the argument. A subscriber is too slow; it has
 * caught up; memory is short and the channel holds much of it. */
void notice_slow(void *clients, struct subscriber *sub);
void notice_recovered(void *clients, struct subscriber *sub);
void notice_pressed(void *clients, const struct channel *ch);

#endif
