/* SPDX-License-Identifier: MIT
 *
 * round - a walk past all sessions that takes many turns: past those that were
 * there when it began, in the order in which they came, although any of them
 * may end meanwhile.
 */
#ifndef SLUICE_SESSION_ROUND_H
#define SLUICE_SESSION_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clients;
struct list;
struct session;

struct round {
    struct list *next; /* session in the list of all, or its head; NULL: none is
                          under way */
    uint64_t last;     /* the newest session when it began */
};

/* One that is under way begins again. */
void round_begin(struct round *r, struct clients *all);

static inline bool round_is_under_way(const struct round *r)
{
    return r->next != NULL;
}

/* The next session of a round that is under way. NULL: there is no more, and it
 * is over. */
struct session *round_next(struct round *r, const struct clients *all);

/* This session ends: the round goes on with the one behind it. */
void round_skip(struct round *r, const struct session *s);

#endif
