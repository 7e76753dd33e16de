/* SPDX-License-Identifier: MIT
 *
 * v1_hello - the first frame of a client of version 1, or of what is not one:
 * whether it may come in, and what it subscribes to. And how version 1 refuses,
 * which has no words for it.
 */
#ifndef SLUICE_SESSION_V1_HELLO_H
#define SLUICE_SESSION_V1_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "broker/session/reason.h"
#include "broker/session/verdict.h"

struct decoded;
struct session;

/* For v1_kind; described at session_kind. It may make the session another
 * kind. */
struct verdict v1_hello(struct session *s, const uint8_t *bytes, size_t n,
                        struct decoded *out);

/* Ends the session with a reset: to a client that has said goodbye, an orderly
 * end would look like the answer, and as if its messages were taken. */
struct verdict v1_refuse(struct session *s, enum reason reason);

/* The same for what its user may not do with a channel; `what` is the verb of
 * version 2 for it. */
struct verdict v1_deny(struct session *s, const char *what, const uint8_t *name,
                       size_t length);

/* The same for a channel that was just not made, for the reason that the core
 * has. */
struct verdict v1_refuse_channel(struct session *s);

#endif
