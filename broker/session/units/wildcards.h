/* SPDX-License-Identifier: MIT
 *
 * wildcards - subscriptions to patterns with a wildcard. They are resolved to
 * lanes when a channel or a subscription appears; a message costs nothing.
 */
#ifndef SLUICE_SESSION_UNITS_WILDCARDS_H
#define SLUICE_SESSION_UNITS_WILDCARDS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/base/list.h"
#include "broker/core/interests.h"
#include "proto/pattern.h"

struct channel;
struct clients;
struct session;
struct worker;

struct wildcard {
    struct interest interest;
    struct list link; /* of the session's */
    struct session *session;
    struct worker *worker; /* NULL: nothing is acknowledged */
};

/* The subscription of the session; NULL when there is none. */
struct wildcard *wildcards_find(const struct session *s,
                                const struct pattern *p);

/* Subscribes; `worker`, if any, is taken. False without memory: the session has
 * to end. */
bool wildcards_add(struct session *s, const struct pattern *p,
                   struct worker *worker);

/* Ends one. *waits is the number of lanes that are still owed something. False
 * without memory: the session has to end. */
bool wildcards_remove(struct wildcard *w, uint32_t *waits);

/* All of a session; its lanes stay. */
void wildcards_end(struct session *s);

/* For session_kind. */
bool wildcards_want(struct clients *all, const uint8_t *name, uint32_t length);
void wildcards_appear(struct clients *all, struct channel *ch);

#endif
